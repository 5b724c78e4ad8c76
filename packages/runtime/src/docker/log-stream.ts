import { setTimeout as sleep } from 'node:timers/promises';
import type { LogLine, LogOptions } from '../runtime.ts';
import type { StampedLine } from '../shared/stamped-lines.ts';
import type { Engine } from './engine.ts';
import { ifPresent } from './engine-errors.ts';
import { logEntries } from './log-frames.ts';
import { linesOfLog } from './log-lines.ts';

/** How often a log that is followed is looked for again when its container has ended. */
const pollMs = 500;
const maxTail = 10_000;

const all = { stdout: true, stderr: true, timestamps: true } as const;

/**
 * The lines of an agent's container, see `LogOptions`. Following goes on with the container that takes its place.
 * @param find gives the id of the agent's present container
 */
export async function* streamAgentLogs(
  engine: Engine,
  find: () => Promise<string | undefined>,
  { follow = false, tail: wanted, signal }: LogOptions,
): AsyncGenerator<LogLine> {
  const tail = wanted === undefined ? {} : { tail: Math.min(Math.max(0, Math.trunc(wanted)), maxTail) };
  const lines = follow ? following(engine, find, tail, signal) : past(engine, await find(), tail);
  for await (const { stream, time, line } of lines) {
    if (signal?.aborted) return;
    yield { stream, time, line };
  }
}

async function* past(engine: Engine, id: string | undefined, tail: { tail?: number }): AsyncGenerator<StampedLine> {
  const output = id && (await ifPresent(engine.calls.getContainer(id).logs({ ...all, ...tail, follow: false })));
  if (output) yield* linesOfLog(logEntries([output]));
}

async function* following(
  engine: Engine,
  find: () => Promise<string | undefined>,
  tail: { tail?: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<StampedLine> {
  const begin = new Date().toISOString();
  let last: string | undefined;
  let opened = false;
  while (!signal?.aborted) {
    const id = await find();
    const from = opened ? { since: secondsOf(last ?? begin) } : tail;
    for await (const line of id ? open(engine, id, from, signal) : []) {
      if (last !== undefined && line.stamp <= last) continue;
      last = line.stamp;
      yield line;
    }
    opened ||= id !== undefined;
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Ends with the container, when the signal aborts, and when the engine goes away. */
async function* open(
  engine: Engine,
  id: string,
  from: { since?: string; tail?: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<StampedLine> {
  const end = new AbortController();
  const either = signal ? AbortSignal.any([signal, end.signal]) : end.signal;
  try {
    const options = { ...all, ...from, follow: true, abortSignal: either } as const;
    const stream = await engine.streams.getContainer(id).logs(options);
    yield* linesOfLog(logEntries(stream));
  } catch {
    // Whoever follows asks for the container again, and again, until the signal aborts.
  } finally {
    end.abort();
  }
}

/** The engine's form of a time: seconds and nanoseconds since 1970. */
function secondsOf(stamp: string): string {
  const nanoseconds = /\.(\d+)/.exec(stamp)?.[1] ?? '0';
  return `${Math.floor(Date.parse(stamp) / 1_000)}.${nanoseconds.padEnd(9, '0')}`;
}
