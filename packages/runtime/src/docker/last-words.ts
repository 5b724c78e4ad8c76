import { redact } from '@agentcrew/protocol';
import { readableLine } from '../shared/readable-line.ts';
import type { Engine } from './engine.ts';
import { logEntries } from './log-frames.ts';

const lines = 5;
const maxLength = 600;

/** The last lines of a container, for a message to a person; empty when it said nothing or is gone. */
export async function lastWords(
  engine: Engine,
  container: string,
  secrets: Iterable<string | undefined>,
): Promise<string> {
  const options = { stdout: true, stderr: true, tail: lines, follow: false } as const;
  const output = await engine.calls
    .getContainer(container)
    .logs(options)
    .catch(() => Buffer.alloc(0));
  const said = (await Array.fromAsync(logEntries([output]))).flatMap(({ text }) => text.split('\n'));
  const spoken = said.filter((line) => line.trim() !== '');
  const text = redact(spoken.slice(-lines).map(readableLine).join(' | '), secrets);
  return text.length > maxLength ? `…${text.slice(-maxLength)}` : text;
}
