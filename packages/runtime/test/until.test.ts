import { CrewError } from '@agentcrew/protocol';
import { ApiException } from '@kubernetes/client-node';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { until } from '../src/kubernetes/until.ts';

const answer = (code: number) => new ApiException(code, 'no', '', {});
const codeError = (code: string) => Object.assign(new Error(code), { code });
const refused = Object.assign(new TypeError('fetch failed'), {
  cause: codeError('ECONNREFUSED'),
});
const never = Number.POSITIVE_INFINITY;

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => vi.useRealTimers());

/** Asks a cluster that fails so for so long, when every question takes ten seconds. */
async function askThrough(error: unknown, forMs: number, timeoutMs = never, signal?: AbortSignal) {
  const end = Date.now() + forMs;
  const ask = async () => {
    vi.setSystemTime(Date.now() + 10_000);
    if (Date.now() < end) throw error;
    return 'there';
  };
  return await until(ask, timeoutMs, signal).catch((failure: unknown) => failure);
}

test.each([
  ['that cannot be reached', refused],
  ['that does not answer in time', new DOMException('late', 'TimeoutError')],
  ['that is overloaded', answer(429)],
  ['that starts', answer(503)],
  ['whose store elects a leader', answer(500)],
])('an API server %s is asked again', async (_, error) => {
  expect(await askThrough(error, 50_000)).toBe('there');
});

test.each([
  ['after a minute', never, 60_000],
  ['at the deadline', 30_000, 30_000],
])('one that stays away is given up %s', async (_, timeoutMs, afterMs) => {
  const began = Date.now();
  expect(await askThrough(refused, never, timeoutMs)).toBe(refused);
  expect(Date.now() - began).toBeGreaterThanOrEqual(afterMs);
  expect(Date.now() - began).toBeLessThan(afterMs + 1_000);
});

test.each([
  ['a refusal', answer(403)],
  ['an error of ours', new CrewError('RUNTIME_FAILED', 'oops')],
  ['a bad certificate', Object.assign(new TypeError('fetch failed'), { cause: codeError('CERT_HAS_EXPIRED') })],
  ['a mistake', Object.assign(new TypeError('oops'), { code: 'ERR_INVALID_ARG_TYPE' })],
])('%s ends the asking at once', async (_, error) => {
  const began = Date.now();
  expect(await askThrough(error, 50_000)).toBe(error);
  expect(Date.now() - began).toBeLessThan(11_000);
});

test('an aborted signal ends it without a failure', async () => {
  expect(await askThrough(refused, 50_000, never, AbortSignal.abort())).toBeUndefined();
});
