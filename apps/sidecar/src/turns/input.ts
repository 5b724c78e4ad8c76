import { type Envelope, inputPayloadSchema, taskPayloadSchema } from '@agentcrew/protocol';
import { attachmentNote } from './attachments.ts';
import type { EndReason } from './turn-end.ts';

/** More would be more than Claude's context, in characters. */
const longestText = 2_000_000;
const workTypes: Envelope['type'][] = ['user_message', 'task_assignment', 'question'];

/**
 * What a message asks for: work, nothing that can be answered, or something that is refused in the reply. `note` is what
 * Claude is told besides the text.
 */
export type Input =
  | { kind: 'work'; text: string; note: string | undefined }
  | { kind: 'foreign' }
  | { kind: 'refused'; reason: EndReason };

export function readInput(message: Envelope): Input {
  if (!workTypes.includes(message.type)) return { kind: 'foreign' };
  const payload = inputPayloadSchema.safeParse(message.payload);
  if (!payload.success || payload.data.content.trim() === '') {
    return refused('INVALID_REQUEST', 'The message has no text (payload.content), so there is nothing to work on.');
  }
  const { content } = payload.data;
  if (isPast(deadlineOf(message))) {
    return refused('DEADLINE_PASSED', 'Its deadline had passed before the work on it could begin.');
  }
  if (content.length <= longestText) {
    const note = message.type === 'user_message' ? attachmentNote(message) : undefined;
    return { kind: 'work', text: textOf(message, content), note };
  }
  const advice = 'Put it into a file of the workspace and tell the agent to read it.';
  return refused(
    'PAYLOAD_TOO_LARGE',
    `The message has ${content.length} characters, more than ${longestText}. ${advice}`,
  );
}

/** When nobody waits for the answer any more, in milliseconds since 1970; `undefined`: never. */
export function deadlineOf({ type, payload }: Envelope): number | undefined {
  if (type === 'user_message') return undefined;
  const { deadline } = taskPayloadSchema.safeParse(payload).data ?? {};
  return deadline === undefined ? undefined : Date.parse(deadline);
}

function isPast(time: number | undefined): boolean {
  return time !== undefined && time <= Date.now();
}

/** Tells who asks: what a person writes stands alone. */
function textOf({ type, from, payload }: Envelope, content: string): string {
  if (type === 'user_message') return content;
  const { expected_output: expected } = taskPayloadSchema.safeParse(payload).data ?? {};
  const what = type === 'question' ? 'Question' : 'Task';
  const head = `${what} from ${from}, an agent of your team, who gets your final answer and sees nothing else:`;
  return [head, content, ...(expected ? [`Expected output: ${expected}`] : [])].join('\n\n');
}

function refused(code: EndReason['code'], error: string): Input {
  return { kind: 'refused', reason: { status: 'failed', code, error } };
}
