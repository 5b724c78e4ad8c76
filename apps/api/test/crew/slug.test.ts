import { newSlug } from '@agentcrew/api/crew/slug.ts';
import { namePattern } from '@agentcrew/protocol';
import { expect, test } from 'vitest';

const free = () => false;
const taken = () => true;

test('is the name as it is, when nobody has it', () => {
  expect(newSlug('My_Team-1', 'id', free)).toBe('My_Team-1');
});

test('is the name with a hash of the id, when somebody has', () => {
  expect(newSlug('alpha', 'one', taken)).toMatch(/^alpha-[0-9a-f]{8}$/);
  expect(newSlug('alpha', 'one', taken)).toBe(newSlug('alpha', 'one', taken));
  expect(newSlug('alpha', 'one', taken)).not.toBe(newSlug('alpha', 'two', taken));
});

test.each(['user', 'System', 'NATS'])('is never %s, which has a meaning of its own', (name) => {
  expect(newSlug(name, 'id', free)).not.toBe(name);
});

test('follows the rule of names, however long the name', () => {
  const slug = newSlug('x'.repeat(64), 'id', taken);
  expect(slug).toMatch(namePattern);
  expect(slug).toHaveLength(64);
});
