import type { TranscriptState } from '@agentcrew/claude';

/** What Claude is told before a message whose work was cut off; the message itself follows as a text of its own. */
const resumeNote = [
  'Work on the message below was interrupted by a restart. What you had already done for it is above.',
  'Continue from there without repeating finished steps, and end with the answer to the message.',
].join(' ');

/** What Claude's transcript tells of a message. */
export interface Past {
  /** Claude has got the message. */
  recorded: boolean;
  /** Its final answer, when it was given. */
  answer?: string;
}

/**
 * The content of a turn: the text alone, or after what teammates shared, or after a note when Claude has it in its
 * history already; what belongs to the text comes right before it.
 */
export function turnContent(
  { text, note }: { text: string; note?: string | undefined },
  past: Past,
  context?: () => string | undefined,
): string | string[] {
  const before = past.recorded ? resumeNote : context?.();
  const parts = [before, note, text].filter((part) => part !== undefined);
  return parts.length === 1 ? text : parts;
}

export function pastFrom(state: TranscriptState): Past {
  if (state === 'absent') return { recorded: false };
  return state === 'started' ? { recorded: true } : { recorded: true, answer: state.finished };
}
