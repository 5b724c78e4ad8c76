import crypto from 'node:crypto';
import { createPasswords } from '@agentcrew/api/auth/passwords.ts';
import { afterEach, expect, test, vi } from 'vitest';

const runs = vi.hoisted(() => ({ count: 0 }));
vi.mock('node:crypto', async (original) => {
  const real = await original<typeof crypto>();
  const scrypt = (...parameters: Parameters<typeof crypto.scrypt>) => {
    runs.count += 1;
    return real.scrypt(...parameters);
  };
  return { ...real, default: { ...real, scrypt }, scrypt };
});
afterEach(() => {
  runs.count = 0;
});

const passwords = createPasswords();

test('a hash tells its parameters, is never the same twice, and is met by its password alone', async () => {
  const [one, two] = await Promise.all([passwords.hash('Correct-Horse-1'), passwords.hash('Correct-Horse-1')]);
  expect(one).toMatch(/^scrypt\$32768\$8\$3\$[\w-]{22}\$[\w-]{43}$/);
  expect(one).not.toBe(two);
  expect(await passwords.verify(one, 'Correct-Horse-1')).toBe(true);
  expect(await passwords.verify(one, 'correct-horse-1')).toBe(false);
});

test('a hash of other parameters is met, too', async () => {
  const key = crypto.scryptSync('old', Buffer.from('salt'), 32, { N: 16, r: 1, p: 1 }).toString('base64url');
  const stored = `scrypt$16$1$1$${Buffer.from('salt').toString('base64url')}$${key}`;
  expect(await passwords.verify(stored, 'old')).toBe(true);
  expect(await passwords.verify(stored, 'new')).toBe(false);
});

test('the same letters typed in another way are the same password', async () => {
  expect(await passwords.verify(await passwords.hash('Z\u00fcrich-12'), 'Zu\u0308rich-12')).toBe(true);
});

test.each([undefined, null])(
  'nobody has no password, and it takes as much work to find that out: %s',
  async (stored) => {
    expect(await passwords.verify(stored, '')).toBe(false);
    expect(runs.count).toBe(1);
  },
);

test('too many at once are refused', async () => {
  const stored = `scrypt$16$1$1$c2FsdA$${Buffer.alloc(32).toString('base64url')}`;
  const results = await Promise.allSettled(Array.from({ length: 80 }, () => passwords.verify(stored, 'x')));
  const refused = results.filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(80 - 64 - 2);
  expect(refused[0]).toMatchObject({ reason: { code: 'RATE_LIMITED' } });
});
