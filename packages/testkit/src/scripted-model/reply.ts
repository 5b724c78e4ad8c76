import { randomUUID } from 'node:crypto';
import type { Conversation } from './conversation.ts';
import type { Script, Step } from './script.ts';

export type ReplyBlock =
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'text'; text: string }
  | { type: 'tool_use'; id: string; name: string; input: unknown };

/** A message of the model, as the non-streaming Messages API answers it. */
export interface Reply {
  id: string;
  type: 'message';
  role: 'assistant';
  model: string;
  content: ReplyBlock[];
  stop_reason: 'end_turn' | 'tool_use';
  stop_sequence: null;
  usage: typeof usage;
}

const usage = {
  input_tokens: 100,
  cache_creation_input_tokens: 20,
  cache_read_input_tokens: 30,
  output_tokens: 42,
  service_tier: 'standard',
};

/** An echo or a tool's output is cut here, so that an answer to a huge text is not huge itself. */
const echoLimit = 10_000;

/** The message for the step in which the conversation is. */
export function composeReply(model: string, script: Script, step: Step, conversation: Conversation): Reply {
  const content: ReplyBlock[] = [];
  if (step.think !== undefined) content.push({ type: 'thinking', thinking: step.think, signature: 'c2lnbmF0dXJl' });
  for (const tool of step.tools) content.push({ type: 'tool_use', id: `toolu_${newId()}`, ...tool });
  if (step.tools.length === 0) content.push({ type: 'text', text: script.say ?? madeUp(script, conversation) });
  return {
    id: `msg_${newId()}`,
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason: step.tools.length > 0 ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage,
  };
}

function madeUp(script: Script, conversation: Conversation): string {
  if (script.steps.length === 1) return cut(`You said: ${conversation.userText}`);
  return cut(`Done. ${conversation.lastToolResult ?? ''}`.trim());
}

function cut(text: string): string {
  return text.length > echoLimit ? `${text.slice(0, echoLimit)}…` : text;
}

function newId(): string {
  return randomUUID().replaceAll('-', '');
}
