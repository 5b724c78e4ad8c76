import { z } from 'zod';

const blockSchema = z.looseObject({ type: z.string(), text: z.string().optional(), content: z.unknown().optional() });
type Block = z.infer<typeof blockSchema>;

/** The part of a Messages API request that the scripted model reads. */
export const messagesRequestSchema = z.looseObject({
  model: z.string(),
  stream: z.boolean().optional(),
  messages: z.array(z.looseObject({ role: z.string(), content: z.union([z.string(), z.array(blockSchema)]) })).min(1),
});
export type MessagesRequest = z.infer<typeof messagesRequestSchema>;

export interface Conversation {
  /** What the person wrote last, without what the CLI puts around it. */
  userText: string;
  /** How many messages with tool calls the model has sent since. */
  step: number;
  /** Texts of the tool results of the last such message; undefined when there is none. */
  lastToolResult?: string;
}

/**
 * Where the conversation stands, told by the request alone: so a restart of the CLI or of the model changes nothing.
 */
export function readConversation(request: MessagesRequest): Conversation {
  const turns = request.messages.map(({ role, content }) => ({
    role,
    blocks: typeof content === 'string' ? [{ type: 'text', text: content }] : content,
  }));
  const asked = turns.findLastIndex((turn) => turn.role === 'user' && textOf(turn.blocks) !== undefined);
  const since = turns.slice(asked + 1);
  const userText = textOf(turns[asked]?.blocks ?? []) ?? '';
  const step = since.filter((turn) => turn.role === 'assistant' && has(turn.blocks, 'tool_use')).length;
  const results = since.findLast((turn) => has(turn.blocks, 'tool_result'))?.blocks.filter(isResult);
  return { userText, step, ...(results && { lastToolResult: results.map(resultText).join('\n') }) };
}

function has(blocks: Block[], type: string): boolean {
  return blocks.some((block) => block.type === type);
}

function isResult(block: Block): boolean {
  return block.type === 'tool_result';
}

/** The last text of a message that a person wrote: reminders come before it, notices of the CLI are not the person's. */
function textOf(blocks: Block[]): string | undefined {
  return blocks.findLast((block) => block.type === 'text' && block.text && !isNotice(block.text))?.text;
}

function isNotice(text: string): boolean {
  return /^\s*(<system-reminder>|\[Request interrupted by user)/.test(text);
}

function resultText(block: Block): string {
  const parts = Array.isArray(block.content) ? block.content : [{ text: block.content }];
  const text = parts.map((part: { text?: unknown }) => (typeof part.text === 'string' ? part.text : '')).join('\n');
  return text.replaceAll(/<system-reminder>.*?<\/system-reminder>/gs, '').trim();
}
