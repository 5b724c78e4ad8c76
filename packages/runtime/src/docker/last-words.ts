import { lastWordsLines, lastWordsOf } from '../shared/last-words.ts';
import type { Engine } from './engine.ts';
import { logEntries } from './log-frames.ts';

/** The last lines of a container, for a message to a person; empty when it said nothing or is gone. */
export async function lastWords(
  engine: Engine,
  container: string,
  secrets: Iterable<string | undefined>,
): Promise<string> {
  const options = { stdout: true, stderr: true, tail: lastWordsLines, follow: false } as const;
  const output = await engine.calls
    .getContainer(container)
    .logs(options)
    .catch(() => Buffer.alloc(0));
  const said = await Array.fromAsync(logEntries([output]));
  return lastWordsOf(
    said.flatMap(({ text }) => text.split('\n')),
    secrets,
  );
}
