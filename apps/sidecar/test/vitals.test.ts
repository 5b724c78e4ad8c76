import { expect, test } from 'vitest';
import { Vitals } from '../src/vitals.ts';

const usage = { input_tokens: 100, cache_creation_input_tokens: 20, cache_read_input_tokens: 3_000, output_tokens: 4 };

test('the context is that of the last request of the main conversation', () => {
  const vitals = new Vitals();
  expect(vitals.facts()).toEqual({});
  vitals.see({ type: 'assistant', message: { usage: { ...usage, input_tokens: 1 } }, content: [] });
  vitals.see({ type: 'assistant', message: { usage }, content: [] });
  vitals.see({ type: 'assistant', message: { usage: { input_tokens: 9 } }, content: [], parentToolUseId: 't1' });
  vitals.see({ type: 'assistant', message: { usage: { input_tokens: 0 } }, content: [] });
  vitals.see({ type: 'assistant', message: {}, content: [] });
  expect(vitals.facts()).toEqual({ context: { tokens: 3_124 }, last_activity_at: expect.any(String) });
});

test('the window comes with the result of a turn', () => {
  const vitals = new Vitals();
  vitals.see({ type: 'assistant', message: { usage }, content: [] });
  const modelUsage = { small: { contextWindow: 100_000 }, large: { contextWindow: 200_000 }, odd: {} };
  vitals.see({ type: 'other', line: { type: 'result', modelUsage } });
  vitals.see({ type: 'other', line: { type: 'result', modelUsage: 'odd' } });
  expect(vitals.facts().context).toEqual({ tokens: 3_124, window: 200_000 });
});
