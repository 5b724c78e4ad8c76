import { expect, test } from 'vitest';
import { inContainer } from './container.ts';
import { everyday } from './tables/everyday.ts';

test.each(everyday)('%j passes', (command) => {
  expect(inContainer(command)).toEqual({ decision: 'allow' });
});

test.each(everyday)('%j is asked about where every command is', (command) => {
  expect(inContainer(command, { ask_commands: ['*'] }).decision).toBe('ask');
});

test('there are many of them', () => {
  expect(new Set(everyday).size).toBeGreaterThan(150);
});
