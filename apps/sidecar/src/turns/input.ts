import { type Envelope, inputPayloadSchema } from '@agentcrew/protocol';
import type { EndReason } from './turn-end.ts';

/** More would be more than Claude's context, in characters. */
const longestText = 2_000_000;
const workTypes: Envelope['type'][] = ['user_message', 'task_assignment'];

/** What a message asks for: work, nothing that can be answered, or something that is refused in the reply. */
export type Input = { kind: 'work'; text: string } | { kind: 'foreign' } | { kind: 'refused'; reason: EndReason };

export function readInput(message: Envelope): Input {
  if (!workTypes.includes(message.type)) return { kind: 'foreign' };
  const payload = inputPayloadSchema.safeParse(message.payload);
  if (!payload.success || payload.data.content.trim() === '') {
    return refused('INVALID_REQUEST', 'The message has no text (payload.content), so there is nothing to work on.');
  }
  const { content } = payload.data;
  if (content.length <= longestText) return { kind: 'work', text: content };
  const advice = 'Put it into a file of the workspace and tell the agent to read it.';
  return refused(
    'PAYLOAD_TOO_LARGE',
    `The message has ${content.length} characters, more than ${longestText}. ${advice}`,
  );
}

function refused(code: EndReason['code'], error: string): Input {
  return { kind: 'refused', reason: { status: 'failed', code, error } };
}
