import { expect, test } from 'vitest';
import { redact } from '../src/index.ts';

test.each([
  ['a secret', 'key sk-12345678 used', ['sk-12345678'], 'key [redacted] used'],
  ['every occurrence', 'aaaaaaaa-aaaaaaaa', ['aaaaaaaa'], '[redacted]-[redacted]'],
  ['several secrets', 'first-secret, other-secret', ['first-secret', 'other-secret'], '[redacted], [redacted]'],
  ['a secret with special characters', 'a $&.*+?[(^\\ b', ['$&.*+?[(^\\'], 'a [redacted] b'],
  ['nothing else', 'text without any', ['sk-12345678'], 'text without any'],
  ['no short ones', 'a b c', ['a', 'b', 'seven77'], 'a b c'],
  ['no absent ones', 'undefined', [undefined, ''], 'undefined'],
] as [string, string, (string | undefined)[], string][])('redacts %s', (_what, text, secrets, clean) => {
  expect(redact(text, secrets)).toBe(clean);
});

test('takes any iterable', () => {
  expect(redact('12345678', new Set(['12345678']))).toBe('[redacted]');
});
