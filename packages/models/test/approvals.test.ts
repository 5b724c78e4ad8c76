import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Database, NewApproval } from '../src/index.ts';
import { memoryDatabase, message, team } from './fixtures.ts';

let db: Database;
let a: string;
let b: string;
beforeEach(() => {
  db = memoryDatabase();
  [a, b] = [db.teams.insert(team('a')).id, db.teams.insert(team('b')).id];
});
afterEach(() => {
  vi.useRealTimers();
  db[Symbol.dispose]();
});

const later = new Date(Date.now() + 60_000);
const denial = { status: 'denied', scope: 'once', message: 'no', updated_input: null } as const;

function approval(id: string, values: Partial<NewApproval> = {}): NewApproval {
  const what = { type: 'tool', tool: 'Bash', input: { command: 'ls' }, reason: 'ls' } as const;
  return { id, team_id: a, agent: 'lead', message_id: 'm', ...what, expires_at: later, ...values };
}

test('an approval comes back as it was asked, once, in its own team', () => {
  const questions = [{ question: 'Which?' }];
  const row = db.approvals.insert(approval('one', { questions }));
  expect(row).toMatchObject({ status: 'pending', input: { command: 'ls' }, questions, delivered_at: null });
  expect(db.approvals.insert(approval('one', { tool: 'Write' }))).toBeUndefined();
  expect(db.approvals.get(a, 'one')).toEqual(row);
  expect(db.approvals.get(b, 'one')).toBeUndefined();
  db.teams.delete(a);
  expect(db.approvals.get(a, 'one')).toBeUndefined();
});

test('it is decided once, and in time', () => {
  db.approvals.insert(approval('one'));
  const now = new Date();
  const decided = db.approvals.decide('one', { ...denial, status: 'allowed', updated_input: { command: 'pwd' } }, now);
  expect(decided).toMatchObject({ status: 'allowed', decided_at: now, updated_input: { command: 'pwd' } });
  expect(db.approvals.decide('one', denial, now)).toBeUndefined();
  db.approvals.insert(approval('two'));
  expect(db.approvals.decide('two', denial, later)).toBeUndefined();
  expect(db.approvals.decide('three', denial, now)).toBeUndefined();
});

test('it is open until its end has reached the agent', () => {
  for (const id of ['one', 'two', 'three']) db.approvals.insert(approval(id));
  db.approvals.insert(approval('other', { agent: 'worker' }));
  const ids = (rows: { id: string }[]) => rows.map(({ id }) => id);
  const now = new Date();
  db.approvals.decide('one', denial, now);
  db.approvals.decide('two', denial, now);
  expect(ids(db.approvals.undelivered(a))).toEqual(['one', 'two']);
  db.approvals.markDelivered('one', now);
  expect(ids(db.approvals.undelivered(a))).toEqual(['two']);
  expect(ids(db.approvals.open(a))).toEqual(['two', 'three', 'other']);
  expect(ids(db.approvals.open(a, 'worker'))).toEqual(['other']);
  expect(db.approvals.end('one', { status: 'cancelled' }, later)).toBeUndefined();
  expect(db.approvals.end('two', { status: 'cancelled', message: 'gone' }, later)).toMatchObject({
    status: 'cancelled',
    message: 'gone',
    decided_at: now,
    delivered_at: later,
  });
  expect(db.approvals.end('three', { status: 'expired' }, later)).toMatchObject({ decided_at: later, message: '' });
  expect(ids(db.approvals.open(b))).toEqual([]);
});

test('those whose time is over', () => {
  db.approvals.insert(approval('one'));
  db.approvals.insert(approval('two', { team_id: b }));
  expect(db.approvals.overdue(later)).toEqual([]);
  expect(db.approvals.overdue(new Date(later.getTime() + 1))).toHaveLength(2);
});

test('pages go from new to old, also within one millisecond', () => {
  vi.useFakeTimers({ now: 1_000 });
  for (const id of ['1', '2', '3']) db.approvals.insert(approval(id));
  vi.setSystemTime(2_000);
  db.approvals.insert(approval('4'));
  db.approvals.insert(approval('x', { team_id: b }));
  db.approvals.decide('2', denial, new Date());
  const page = (query: object) => db.approvals.page({ teamId: a, limit: 10, ...query }).map(({ id }) => id);
  expect(page({})).toEqual(['4', '3', '2', '1']);
  expect(page({ limit: 2 })).toEqual(['4', '3']);
  expect(page({ beforeId: '3' })).toEqual(['2', '1']);
  expect(page({ before: new Date(2_000) })).toEqual(['3', '2', '1']);
  expect(page({ status: 'pending', beforeId: '4', limit: 2 })).toEqual(['3', '1']);
  expect(page({ beforeId: 'unknown' })).toEqual([]);
});

test('a message is found by the key of its client, in its own team', () => {
  db.messages.insert(message(a, 'one', { idempotency_key: 'k' }));
  expect(db.messages.insert(message(b, 'two', { idempotency_key: 'k' }))).toBeDefined();
  expect(db.messages.byIdempotencyKey(a, 'k')?.message_id).toBe('one');
  expect(db.messages.byIdempotencyKey(a, 'l')).toBeUndefined();
  expect(() => db.messages.insert(message(a, 'three', { idempotency_key: 'k' }))).toThrow();
  for (const id of ['four', 'five']) expect(db.messages.insert(message(a, id))).toBeDefined();
});
