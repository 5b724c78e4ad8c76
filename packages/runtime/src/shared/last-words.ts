import { redact } from '@agentcrew/protocol';
import { readableLine } from './readable-line.ts';

/** So many of the last lines tell why something ended. */
export const lastWordsLines = 5;
const maxLength = 600;

/** The last ones of these lines, for a message to a person; empty when they say nothing. */
export function lastWordsOf(lines: string[], secrets: Iterable<string | undefined>): string {
  const spoken = lines.filter((line) => line.trim() !== '');
  const text = redact(spoken.slice(-lastWordsLines).map(readableLine).join(' | '), secrets);
  return text.length > maxLength ? `…${text.slice(-maxLength)}` : text;
}
