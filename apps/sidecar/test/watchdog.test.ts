import { agentLimitsSchema } from '@agentcrew/protocol';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { EndReason } from '../src/turns/turn-end.ts';
import { Watchdog } from '../src/turns/watchdog.ts';
import { toolUse } from './fakes.ts';

const limits = agentLimitsSchema.parse({ turn_timeout_ms: 60_000, stall_timeout_ms: 5_000 });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watch() {
  const bites: EndReason[] = [];
  return { bites, dog: new Watchdog(limits, (reason) => bites.push(reason)) };
}

test('a turn that takes too long, although it is busy', () => {
  const { bites, dog } = watch();
  using _dog = dog;
  for (let second = 0; second < 61; second += 1) {
    dog.see({ type: 'stream', event: {} });
    vi.advanceTimersByTime(1_000);
  }
  expect(bites.map(({ code }) => code)).toEqual(['TURN_TIMEOUT']);
  expect(bites[0]?.error).toContain('60 s');
});

test('the time of a turn stands still while a person is waited for', () => {
  const { bites, dog } = watch();
  using _dog = dog;
  dog.see(toolUse('t1', 'Bash', {}));
  vi.advanceTimersByTime(40_000);
  for (const waiting of [true, true, false, false, true]) dog.wait(waiting);
  vi.advanceTimersByTime(3_600_000);
  dog.wait(false);
  vi.advanceTimersByTime(19_000);
  expect(bites).toEqual([]);
  vi.advanceTimersByTime(1_001);
  expect(bites.map(({ code }) => code)).toEqual(['TURN_TIMEOUT']);
});

test('silence bites, but not while a tool runs', () => {
  const { bites, dog } = watch();
  using _dog = dog;
  vi.advanceTimersByTime(4_900);
  dog.see(toolUse('t1', 'Bash', {}));
  vi.advanceTimersByTime(30_000);
  expect(bites).toEqual([]);
  dog.see({ type: 'tool_result', toolUseId: 't1', content: '', isError: false });
  vi.advanceTimersByTime(5_001);
  expect(bites.map(({ code }) => code)).toEqual(['TURN_STALLED']);
});

test('a refused credential bites at once, other retries do not', () => {
  const { bites, dog } = watch();
  using _dog = dog;
  const retry = { type: 'retry', attempt: 1, maxRetries: 4, delayMs: 500 } as const;
  dog.see({ ...retry, status: 529, error: 'overloaded' });
  expect(bites).toEqual([]);
  dog.see({ ...retry, status: 401, error: 'authentication_failed' });
  expect(bites[0]).toMatchObject({ status: 'failed', code: 'AUTHENTICATION_FAILED' });
});

test('a limit longer than a timer can take does not bite at once', () => {
  const bites: EndReason[] = [];
  const forEver = { ...limits, turn_timeout_ms: 2 ** 40, stall_timeout_ms: 2 ** 40 };
  using _dog = new Watchdog(forEver, (reason) => bites.push(reason));
  vi.advanceTimersByTime(3_600_000);
  expect(bites).toEqual([]);
});

test('no bite after the turn', () => {
  const { bites, dog } = watch();
  dog[Symbol.dispose]();
  vi.advanceTimersByTime(100_000);
  expect(bites).toEqual([]);
});
