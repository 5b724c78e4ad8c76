import { afterEach, expect, test, vi } from 'vitest';
import type { Database } from '../src/index.ts';
import { memoryDatabase, message, team } from './fixtures.ts';

const ids = (rows: { message_id: string }[]) => rows.map((row) => row.message_id);

function databaseWithTeams(): { db: Database; a: string; b: string } & Disposable {
  const db = memoryDatabase();
  const [a, b] = [db.teams.insert(team('a')).id, db.teams.insert(team('b')).id];
  return { db, a, b, [Symbol.dispose]: () => db[Symbol.dispose]() };
}

afterEach(() => {
  vi.useRealTimers();
});

test('a message comes back as it was given', () => {
  using open = databaseWithTeams();
  const row = open.db.messages.insert(
    message(open.a, 'one', {
      payload: { content: 'NUL \u0000, a lone \ud800, ünï 🎉', nested: { list: [1, null] } },
      context: { thread_id: 't', chain: ['x'] },
      delivery: 'pending',
    }),
  );
  expect(row).toMatchObject({
    team_id: open.a,
    message_id: 'one',
    from_agent: 'user',
    to_agent: 'leader',
    message_type: 'user_message',
    payload: { content: 'NUL \u0000, a lone \ud800, ünï 🎉', nested: { list: [1, null] } },
    context: { thread_id: 't', chain: ['x'] },
    ref_message_id: null,
    delivery: 'pending',
    sent_at: null,
  });
  expect(open.db.messages.get('one')).toEqual(row);
  expect(open.db.messages.get('two')).toBeUndefined();
  expect(open.db.messages.insert(message(open.a, 'two'))).toMatchObject({ context: null, delivery: null });
});

test('a copy is ignored', () => {
  using open = databaseWithTeams();
  const first = open.db.messages.insert(message(open.a, 'one'));
  expect(open.db.messages.insert(message(open.a, 'one', { payload: { content: 'copy' } }))).toBeUndefined();
  expect(open.db.messages.get('one')).toEqual(first);
});

test('a reply whose id another message has taken still answers its message', () => {
  using open = databaseWithTeams();
  open.db.messages.insert(message(open.a, 'one', { delivery: 'pending' }));
  open.db.messages.insert(message(open.a, 'taken', { message_type: 'activity_event' }));
  const reply = message(open.a, 'taken', { message_type: 'leader_response', ref_message_id: 'one' });
  expect(open.db.messages.insert(reply)).toBeUndefined();
  expect(open.db.messages.get('one')?.delivery).toBe('answered');
});

test('a message of a deleted team is refused', () => {
  using open = databaseWithTeams();
  open.db.teams.delete(open.a);
  expect(() => open.db.messages.insert(message(open.a, 'one'))).toThrow(
    expect.objectContaining({ code: 'TEAM_NOT_FOUND' }),
  );
});

test('a seq is never used again', () => {
  using open = databaseWithTeams();
  const seq = Number(open.db.messages.insert(message(open.a, 'one'))?.seq);
  open.db.teams.delete(open.a);
  expect(open.db.messages.insert(message(open.b, 'two'))?.seq).toBe(seq + 1);
});

test.each(['leader_response', 'task_result'] as const)('a %s answers the message it refers to', (message_type) => {
  using open = databaseWithTeams();
  const { messages } = open.db;
  messages.insert(message(open.a, 'one', { delivery: 'pending' }));
  messages.insert(message(open.a, 'two', { delivery: 'pending' }));
  messages.insert(message(open.a, 'reply', { message_type, ref_message_id: 'one' }));
  expect(messages.get('one')?.delivery).toBe('answered');
  expect(messages.get('two')?.delivery).toBe('pending');
  expect(messages.get('reply')?.delivery).toBeNull();
});

test('only a reply of the same team answers, and only what this server sends', () => {
  using open = databaseWithTeams();
  const { messages } = open.db;
  messages.insert(message(open.a, 'one', { delivery: 'sent' }));
  messages.insert(message(open.a, 'relayed', { message_type: 'task_assignment' }));
  messages.insert(message(open.a, 'activity', { message_type: 'activity_event', ref_message_id: 'one' }));
  messages.insert(message(open.b, 'foreign', { message_type: 'leader_response', ref_message_id: 'one' }));
  messages.insert(message(open.a, 'reply', { message_type: 'task_result', ref_message_id: 'relayed' }));
  expect(messages.get('one')?.delivery).toBe('sent');
  expect(messages.get('relayed')?.delivery).toBeNull();
});

test('pages go back from the newest message', () => {
  using open = databaseWithTeams();
  const { messages } = open.db;
  for (const id of ['1', '2', '3', '4', '5']) messages.insert(message(open.a, id));
  messages.insert(message(open.b, 'foreign'));
  const first = messages.page({ teamId: open.a, limit: 2 });
  expect(ids(first)).toEqual(['5', '4']);
  expect(ids(messages.page({ teamId: open.a, beforeSeq: Number(first[1]?.seq), limit: 2 }))).toEqual(['3', '2']);
  expect(messages.page({ teamId: 'no such team', limit: 2 })).toEqual([]);
});

test('pages and what follows can be limited to types', () => {
  using open = databaseWithTeams();
  const { messages } = open.db;
  messages.insert(message(open.a, 'q1'));
  messages.insert(message(open.a, 'a1', { message_type: 'leader_response' }));
  messages.insert(message(open.a, 'noise', { message_type: 'activity_event' }));
  messages.insert(message(open.a, 'q2'));
  messages.insert(message(open.b, 'foreign'));
  const types = ['user_message', 'leader_response'] as const;
  expect(ids(messages.page({ teamId: open.a, types, limit: 10 }))).toEqual(['q2', 'a1', 'q1']);
  expect(ids(messages.page({ teamId: open.a, types, limit: 2 }))).toEqual(['q2', 'a1']);
  expect(ids(messages.page({ teamId: open.a, types: ['activity_event'], limit: 2 }))).toEqual(['noise']);
  expect(ids(messages.page({ teamId: open.a, types: [], limit: 2 }))).toEqual([]);
  expect(ids(messages.after({ teamId: open.a, seq: 1, types, limit: 10 }))).toEqual(['a1', 'q2']);
  expect(ids(messages.after({ teamId: open.a, seq: 0, types, limit: 1 }))).toEqual(['q1']);
});

test('a page before a time holds exactly the older rows, also after the clock was set back', () => {
  using open = databaseWithTeams();
  const { messages } = open.db;
  vi.useFakeTimers({ toFake: ['Date'] });
  const insertAt = (minute: number, id: string) => {
    vi.setSystemTime(Date.UTC(2030, 0, 1, 12, minute));
    messages.insert(message(open.a, id));
  };
  insertAt(10, 'ten');
  insertAt(30, 'thirty');
  insertAt(20, 'twenty');
  const before = new Date(Date.UTC(2030, 0, 1, 12, 30));
  expect(ids(messages.page({ teamId: open.a, before, limit: 10 }))).toEqual(['twenty', 'ten']);
  expect(ids(messages.page({ teamId: open.a, before, types: ['user_message'], limit: 10 }))).toEqual(['twenty', 'ten']);
  expect(messages.page({ teamId: open.a, before: new Date(0), limit: 10 })).toEqual([]);
});

test('what follows a seq comes oldest first and without gaps', () => {
  using open = databaseWithTeams();
  const { messages } = open.db;
  for (const id of ['1', '2', '3']) messages.insert(message(open.a, id));
  messages.insert(message(open.b, 'foreign'));
  const first = messages.after({ teamId: open.a, seq: 0, limit: 2 });
  expect(ids(first)).toEqual(['1', '2']);
  expect(ids(messages.after({ teamId: open.a, seq: Number(first[1]?.seq), limit: 2 }))).toEqual(['3']);
  expect(messages.lastSeq(open.a)).toBe(3);
  expect(messages.lastSeq('no such team')).toBe(0);
});

test('the outbox: pending, sent, requeued, answered', () => {
  using open = databaseWithTeams();
  const { messages } = open.db;
  for (const id of ['1', '2', '3']) messages.insert(message(open.a, id, { delivery: 'pending' }));
  messages.insert(message(open.b, 'foreign', { delivery: 'pending' }));
  messages.insert(message(open.a, 'relayed'));
  expect(ids(messages.pending(open.a, 2))).toEqual(['1', '2']);
  expect(messages.outboxDepth()).toBe(4);

  const at = new Date(1_700_000_000_123);
  expect(messages.markSent(1, at)).toBe(true);
  expect(messages.markSent(1, new Date())).toBe(false);
  expect(messages.get('1')).toMatchObject({ delivery: 'sent', sent_at: at });
  expect(ids(messages.pending(open.a, 10))).toEqual(['2', '3']);
  expect(messages.outboxDepth()).toBe(3);

  messages.insert(message(open.a, 'r2', { message_type: 'leader_response', ref_message_id: '2' }));
  expect(messages.markSent(2, at)).toBe(false);
  expect(ids(messages.unanswered(open.a))).toEqual(['1', '3']);

  expect(messages.requeue([1, 2, 3])).toBe(1);
  expect(messages.requeue([])).toBe(0);
  expect(messages.get('1')).toMatchObject({ delivery: 'pending', sent_at: null });
  expect(messages.get('2')?.delivery).toBe('answered');
});

test('the age of the outbox is that of its oldest message', () => {
  using open = databaseWithTeams();
  const { messages } = open.db;
  expect(messages.oldestPendingAt()).toBeUndefined();
  const oldest = messages.insert(message(open.a, '1', { delivery: 'pending' }));
  messages.insert(message(open.a, '2', { delivery: 'pending' }));
  expect(messages.oldestPendingAt()).toEqual(oldest?.created_at);
});
