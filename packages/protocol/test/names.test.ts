import { expect, test } from 'vitest';
import { slugSchema } from '../src/index.ts';

test.each(['a', '7', 'Team_1-x', 'x'.repeat(64)])('%j is a name', (name) => {
  expect(slugSchema.safeParse(name).success).toBe(true);
});

test.each(['', '-a', '_a', 'a b', 'a.b', 'a/b', 'ä', 'a\n', '*', '>', 'x'.repeat(65), 7, null])('%j is not', (name) => {
  expect(slugSchema.safeParse(name).success).toBe(false);
});
