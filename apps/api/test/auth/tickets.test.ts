import type { Credential } from '@agentcrew/api/auth/identity.ts';
import { createTickets } from '@agentcrew/api/auth/tickets.ts';
import { expect, test } from 'vitest';

const credential: Credential = { type: 'key', key_id: 'k' };

test('a ticket is good once, and for thirty seconds', () => {
  let now = 0;
  const tickets = createTickets(() => now);
  const [first, second, third] = [1, 2, 3].map(() => tickets.issue(credential));
  now = 29_999;
  expect(tickets.redeem(first ?? '')).toEqual(credential);
  expect(tickets.redeem(first ?? '')).toBeUndefined();
  now = 30_000;
  expect(tickets.redeem(second ?? '')).toBeUndefined();
  const fresh = tickets.issue(credential);
  expect(tickets.redeem(third ?? '')).toBeUndefined();
  expect(tickets.redeem(fresh)).toEqual(credential);
});

test('of very many the oldest are forgotten', () => {
  const tickets = createTickets(() => 0);
  const oldest = tickets.issue(credential);
  const newer = Array.from({ length: 10_000 }, () => tickets.issue(credential));
  expect(tickets.redeem(oldest)).toBeUndefined();
  expect(tickets.redeem(newer[0] ?? '')).toEqual(credential);
});
