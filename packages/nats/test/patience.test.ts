import { JetStreamApiError } from '@nats-io/jetstream';
import { afterEach, expect, test, vi } from 'vitest';
import { whileJetStreamStarts } from '../src/patience.ts';

const never = new AbortController().signal;
const storeFailed = apiError(503, 10_077, 'error creating store for stream');
afterEach(() => vi.restoreAllMocks());

function apiError(code: number, err_code: number, description: string): JetStreamApiError {
  return new JetStreamApiError({ code, err_code, description });
}

/** Rejects with the errors, one after another, then resolves. */
function failing(...errors: unknown[]) {
  return vi.fn(async () => {
    const error = errors.shift();
    if (error) throw error;
    return 'done';
  });
}

test.each([
  ['no store for a stream', storeFailed],
  ['no JetStream for the account', apiError(503, 10_039, 'JetStream not enabled for account')],
  ['no JetStream', apiError(503, 10_076, 'JetStream not enabled')],
])('%s heals', async (_what, error) => {
  const work = failing(error, error);
  expect(await whileJetStreamStarts(work, never)).toBe('done');
  expect(work).toHaveBeenCalledTimes(3);
});

test.each([
  ['a mistake', apiError(400, 10_025, 'invalid JSON')],
  ['a full store', apiError(500, 10_047, 'insufficient storage resources available')],
  ['anything else', new Error('the connection broke')],
])('%s is told at once', async (_what, error) => {
  const work = failing(error);
  await expect(whileJetStreamStarts(work, never)).rejects.toBe(error);
  expect(work).toHaveBeenCalledTimes(1);
});

test('patience ends after 5 s', async () => {
  const clock = vi.spyOn(performance, 'now').mockReturnValueOnce(1_000);
  clock.mockReturnValueOnce(5_999).mockReturnValue(6_001);
  const work = failing(storeFailed, storeFailed, storeFailed);
  await expect(whileJetStreamStarts(work, never)).rejects.toBe(storeFailed);
  expect(work).toHaveBeenCalledTimes(2);
});

test('nothing is tried again after the signal', async () => {
  const stop = new AbortController();
  const work = vi.fn(async () => {
    queueMicrotask(() => stop.abort());
    throw storeFailed;
  });
  await expect(whileJetStreamStarts(work, stop.signal)).rejects.toBe(storeFailed);
  expect(work).toHaveBeenCalledTimes(1);
});
