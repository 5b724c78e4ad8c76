import { expect, test } from 'vitest';
import { matchesGlob } from '../src/glob.ts';

test.each([
  ['', '', true],
  ['', '*', true],
  ['a', '', false],
  ['git status', 'git status', true],
  ['git status ', 'git status', false],
  ['git status', 'git *', true],
  ['git', 'git *', false],
  ['git ', 'git *', true],
  ['ls /a/b/c', 'ls *c', true],
  ['ls /a/b/c', 'ls *b', false],
  ['abcbd', 'a*b*d', true],
  ['abcbde', 'a*b*d', false],
  ['aXbXc', '*X*', true],
  ['line\nbreak', '*', true],
  ['a.c', 'a?c', false],
  ['abc', '[a]bc', false],
  ['a+b', 'a+b', true],
  ['**', '**', true],
  ['rm', '**rm**', true],
  ['mmmr', '**rm**', false],
  ['Git', 'git', false],
])('%j against %j: %s', (text, pattern, matches) => {
  expect(matchesGlob(text, pattern)).toBe(matches);
});

test('a pattern made to be slow is not', () => {
  const start = performance.now();
  expect(matchesGlob('a'.repeat(20_000), `${'*a'.repeat(100)}*b`)).toBe(false);
  expect(performance.now() - start).toBeLessThan(5000);
});
