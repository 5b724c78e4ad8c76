import { setTimeout as sleep } from 'node:timers/promises';
import type { LogLine, LogOptions } from '../runtime.ts';
import type { AgentFiles } from './layout.ts';
import { LogReader, tailOffset } from './log-reader.ts';

const pollMs = 250;
const maxTail = 10_000;

/** What a reader has now, line by line. */
async function* history(reader: LogReader, follow: boolean): AsyncGenerator<LogLine> {
  for (let lines = await reader.read(false); lines; lines = await reader.read(false)) yield* lines;
  // A line that is still being written is left for the following; without that, it is the last there is.
  if (!follow) yield* reader.rest();
}

/** Two streams as one, ordered by time; within each the order stays. */
async function* merged(first: AsyncGenerator<LogLine>, second: AsyncGenerator<LogLine>): AsyncGenerator<LogLine> {
  let [a, b] = [await first.next(), await second.next()];
  while (!a.done || !b.done) {
    if (!a.done && (b.done || a.value.time <= b.value.time)) {
      yield a.value;
      a = await first.next();
    } else if (!b.done) {
      yield b.value;
      b = await second.next();
    }
  }
}

async function* following(readers: LogReader[], signal: AbortSignal | undefined): AsyncGenerator<LogLine> {
  while (!signal?.aborted) {
    let quiet = true;
    for (const reader of readers) {
      const lines = await reader.read(true);
      if (!lines) continue;
      quiet = false;
      yield* lines;
    }
    if (quiet) await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
}

async function* lastOf(lines: AsyncGenerator<LogLine>, count: number): AsyncGenerator<LogLine> {
  const kept: LogLine[] = [];
  for await (const line of lines) {
    kept.push(line);
    if (kept.length > count) kept.shift();
  }
  yield* kept;
}

/** The lines of an agent's two logs, see `LogOptions`. */
export async function* streamAgentLogs(files: AgentFiles, options: LogOptions): AsyncGenerator<LogLine> {
  const { follow = false, signal } = options;
  const tail = options.tail === undefined ? undefined : Math.min(Math.max(0, Math.trunc(options.tail)), maxTail);
  const start = async (path: string) => (tail === undefined ? 0 : await tailOffset(path, tail));
  const stdout = new LogReader(files.stdout, 'stdout', await start(files.stdout));
  const stderr = new LogReader(files.stderr, 'stderr', await start(files.stderr));
  const past = merged(history(stdout, follow), history(stderr, follow));
  for await (const line of tail === undefined ? past : lastOf(past, tail)) {
    if (signal?.aborted) return;
    yield line;
  }
  if (follow) yield* following([stdout, stderr], signal);
}
