import { lastWordsLines, lastWordsOf } from '../shared/last-words.ts';
import type { AgentFiles } from './layout.ts';
import { lastLines } from './log-files.ts';

/**
 * The last words of an agent's process, for a message to a person; empty when it said nothing.
 * @param from sizes of the two logs before the process wrote to them
 */
export async function lastWords(
  files: AgentFiles,
  secrets: Iterable<string | undefined>,
  from: { stdout: number; stderr: number } = { stdout: 0, stderr: 0 },
): Promise<string> {
  const errors = await lastLines(files.stderr, lastWordsLines, from.stderr);
  return lastWordsOf(errors.length > 0 ? errors : await lastLines(files.stdout, 3, from.stdout), secrets);
}
