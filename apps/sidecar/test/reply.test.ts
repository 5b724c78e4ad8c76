import { replyPayloadSchema } from '@agentcrew/protocol';
import { expect, test } from 'vitest';
import { fitting, replyOf } from '../src/turns/reply.ts';
import { message, result } from './fakes.ts';

test('a completed turn carries what it used', () => {
  const reply = replyOf(result({ text: 'hi' }));
  expect(reply).toMatchObject({ status: 'completed', result: 'hi', cost_usd: 0.5, duration_ms: 12 });
  expect(replyPayloadSchema.safeParse(reply).success).toBe(true);
});

test('an empty answer is still an answer', () => {
  expect(replyOf(result({ text: ' ' })).result).toBe('(no text)');
});

test.each([
  [{ apiStatus: 401, text: 'no' }, 'AUTHENTICATION_FAILED', 'ANTHROPIC_API_KEY'],
  [{ apiStatus: 403, text: 'no' }, 'AUTHENTICATION_FAILED', 'deploy the team again'],
  [{ text: 'Not logged in · Please run /login' }, 'AUTHENTICATION_FAILED', 'CLAUDE_CODE_OAUTH_TOKEN'],
  [{ apiStatus: 429, text: 'slow down' }, 'RATE_LIMITED', 'slow down'],
  [{ apiStatus: 529, text: 'Overloaded' }, 'MODEL_UNAVAILABLE', 'overloaded'],
  [{ apiStatus: 500, text: 'oops' }, 'MODEL_UNAVAILABLE', 'not available'],
  [{ apiStatus: 400, text: 'prompt is too long' }, 'TURN_FAILED', 'prompt is too long'],
  [{ text: '', terminalReason: 'error_max_turns' }, 'TURN_FAILED', 'error_max_turns'],
])('a failure is told in words: %o', (parts, code, words) => {
  const reply = replyOf(result({ outcome: 'failed', ...parts }));
  expect(reply).toMatchObject({ status: 'failed', code });
  expect(reply.error).toContain(words);
});

test('a turn ended on purpose says why; an answer that came all the same counts', () => {
  const end = { status: 'failed', code: 'TURN_TIMEOUT', error: 'too long' } as const;
  expect(replyOf(result({ outcome: 'interrupted' }), end)).toMatchObject({ code: 'TURN_TIMEOUT', cost_usd: 0.5 });
  expect(replyOf(result({ outcome: 'interrupted' }))).toMatchObject({
    status: 'interrupted',
    code: 'TURN_INTERRUPTED',
  });
  expect(replyOf(result({ text: 'made it' }), end)).toMatchObject({ status: 'completed', result: 'made it' });
});

const texts = ['x', 'ä', '😀', '"', '\u0001'].map((character) => character.repeat(60_000));

test.each([...texts, '\u0001'.repeat(9_000) + 'x'.repeat(50_000)])(
  'a text of any characters is cut to what the bus takes: %#',
  (text) => {
    const limit = 20_000;
    const long = message('r', { payload: { status: 'completed', result: text } });
    const reply = fitting(long, limit);
    expect(Buffer.byteLength(JSON.stringify(reply))).toBeLessThanOrEqual(limit);
    expect(reply.payload.result).toContain('too long');
    expect(reply.payload.result).toContain(text.slice(0, 2));
  },
);

test('what fits is left alone', () => {
  const reply = message('r', { payload: { status: 'failed', error: 'short' } });
  expect(fitting(reply, 1_000)).toBe(reply);
});
