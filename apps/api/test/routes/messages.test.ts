import type { MessageType } from '@agentcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectError } from '../support/expect-error.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
/** A team with 700 rows: three of activity, then one of chat, and so on. */
let id: string;
/** A team without any. */
let empty: string;
let seqs: number[];

const kinds: MessageType[] = ['activity_event', 'skill_status', 'activity_event', 'user_message'];

function insert(teamId: string, n: number): number {
  const message_type = kinds[n % kinds.length] ?? 'activity_event';
  const row = app.db.messages.insert({
    team_id: teamId,
    message_id: `${teamId} ${n}`,
    from_agent: 'user',
    to_agent: 'leader',
    message_type,
    payload: { n },
  });
  if (!row) throw new Error('not stored');
  return row.seq;
}

beforeAll(async () => {
  app = await startTestApp();
  id = (await app.client.createTeam()).id;
  empty = (await app.client.createTeam()).id;
  const other = (await app.client.createTeam()).id;
  seqs = app.db.transaction(() =>
    Array.from({ length: 700 }, (_, n) => {
      // Rows of another team in between: `seq` has gaps.
      insert(other, n);
      return insert(id, n);
    }),
  );
});
afterAll(() => app.close());

async function list(path: string, team = id) {
  const { status, body, text } = await app.client.get(`/api/teams/${team}/${path}`);
  if (status !== 200) throw new Error(`${status} ${text}`);
  return body as { seq: number; message_type: string; payload: { n: number }; created_at: string; team_id: string }[];
}

const numbers = (rows: { payload: { n: number } }[]) => rows.map(({ payload }) => payload.n);
const seqOf = (n: number) => seqs[n] ?? Number.NaN;

describe('without a query', () => {
  test('the newest come first', async () => {
    expect(numbers(await list('activity')).slice(0, 3)).toEqual([699, 698, 697]);
    expect(numbers(await list('messages')).slice(0, 3)).toEqual([699, 695, 691]);
  });

  test('messages are the newest 100 of the chat, activity the newest 50 of all', async () => {
    const messages = await list('messages');
    expect(messages).toHaveLength(100);
    expect(new Set(messages.map((row) => row.message_type))).toEqual(new Set(['user_message']));
    expect(await list('activity')).toHaveLength(50);
  });

  test('a team without any has an empty array', async () => {
    for (const path of ['messages', 'activity']) {
      expect((await app.client.get(`/api/teams/${empty}/${path}`)).text).toBe('[]');
    }
  });

  test('an unknown team is 404, before the query is looked at', async () => {
    for (const path of ['messages', 'activity?limit=x']) {
      expectError(await app.client.get(`/api/teams/unknown/${path}`), 404, 'TEAM_NOT_FOUND', 'team not found');
    }
  });
});

describe('limit', () => {
  test.each([
    ['messages', 1, 1],
    ['activity', 7, 7],
    ['activity', 200, 200],
    ['activity', 201, 200],
    ['activity', 999_999, 200],
    ['messages?types=activity_event,skill_status', 500, 500],
    ['messages?types=activity_event,skill_status', 501, 500],
  ])('%s of %d gives %d', async (path, limit, length) => {
    expect(await list(`${path}${path.includes('?') ? '&' : '?'}limit=${limit}`)).toHaveLength(length);
  });

  test.each(['0', '-1', 'x', '', '1.5', '1e2', '0x10', '99999999999999999999', ' 5', 'NaN', 'Infinity', '５'])(
    '%j is refused',
    async (limit) => {
      for (const path of ['messages', 'activity']) {
        const answer = await app.client.get(`/api/teams/${id}/${path}?limit=${encodeURIComponent(limit)}`);
        expectError(answer, 400, 'INVALID_REQUEST', 'limit');
      }
    },
  );

  test('given twice is refused', async () => {
    expectError(await app.client.get(`/api/teams/${id}/messages?limit=1&limit=2`), 400, 'INVALID_REQUEST', 'limit');
  });
});

describe('types', () => {
  test('replace the default, with blanks and empty ones ignored', async () => {
    const rows = await list(`messages?types=${encodeURIComponent(' skill_status ,, activity_event,')}&limit=4`);
    expect(rows.map((row) => row.message_type)).toEqual([
      'activity_event',
      'skill_status',
      'activity_event',
      'activity_event',
    ]);
    expect(await list('messages?types=&limit=500')).toHaveLength(175);
    expect(await list('messages?types=,%20,&limit=500')).toHaveLength(175);
    expect(await list('messages?types=leader_response')).toEqual([]);
  });

  test('are known to activity too', async () => {
    const rows = await list('activity?types=user_message&limit=3');
    expect(numbers(rows)).toEqual([699, 695, 691]);
  });

  test.each(['nonsense', 'user_message,nonsense', 'USER_MESSAGE', '__proto__', "' or 1=1"])(
    '%s is refused',
    async (types) => {
      const answer = await app.client.get(`/api/teams/${id}/messages?types=${encodeURIComponent(types)}`);
      expectError(answer, 400, 'INVALID_REQUEST', /^types\[\d\] must be one of user_message, /);
    },
  );
});

describe('before', () => {
  test('a seq gives the rows before it, newest first', async () => {
    expect(numbers(await list(`activity?before=${seqOf(10)}&limit=3`))).toEqual([9, 8, 7]);
    expect(numbers(await list(`messages?before=${seqOf(7)}`))).toEqual([3]);
    expect(await list(`activity?before=${seqOf(0)}`)).toEqual([]);
    expect(await list('activity?before=0')).toEqual([]);
  });

  test('page by page every row is seen once', async () => {
    const seen: number[] = [];
    let before = '';
    for (;;) {
      const rows = await list(`activity?limit=60${before}`);
      const oldest = rows.at(-1);
      if (!oldest) break;
      seen.push(...numbers(rows));
      before = `&before=${oldest.seq}`;
    }
    expect(seen).toEqual(Array.from({ length: 700 }, (_, n) => 699 - n));
  });

  test('a time gives the rows that are older', async () => {
    const [newest] = await list('activity?limit=1');
    if (!newest) throw new Error('no row');
    const before = (time: string) => list(`activity?limit=200&before=${encodeURIComponent(time)}`);
    for (const row of await before(newest.created_at)) expect(row.created_at < newest.created_at).toBe(true);
    expect(await before('2000-01-01T00:00:00Z')).toEqual([]);
    expect(await before('2999-01-01T00:00:00Z')).toHaveLength(200);
    expect(await before('2999-01-01T00:00:00.123456789Z')).toHaveLength(200);
    expect(await before('2999-01-01T00:00:00+14:00')).toHaveLength(200);
  });

  test.each([
    'yesterday',
    '',
    '2026-02-18',
    '2026-02-30T00:00:00Z',
    '-5',
    '1.5',
    '2026-02-18 10:11:12',
    'null',
    '9'.repeat(30),
  ])('%j is refused', async (before) => {
    const answer = await app.client.get(`/api/teams/${id}/messages?before=${encodeURIComponent(before)}`);
    expectError(answer, 400, 'INVALID_REQUEST', 'before');
  });
});

describe('after', () => {
  test('gives the rows after the seq, oldest first', async () => {
    expect(numbers(await list('activity?after=0&limit=3'))).toEqual([0, 1, 2]);
    expect(numbers(await list(`activity?after=${seqOf(10)}&limit=3`))).toEqual([11, 12, 13]);
    expect(numbers(await list('messages?after=0&limit=3'))).toEqual([3, 7, 11]);
    expect(await list(`activity?after=${seqOf(699)}`)).toEqual([]);
    expect(await list('activity?after=999999999')).toEqual([]);
  });

  test('page by page every row is seen once, also those stored meanwhile', async () => {
    const { id: growing } = await app.client.createTeam();
    for (let n = 0; n < 20; n += 1) insert(growing, n);
    const seen: number[] = [];
    let after = 0;
    for (let rows = await list('activity?after=0&limit=7', growing); rows.length > 0; ) {
      seen.push(...numbers(rows));
      after = rows.at(-1)?.seq ?? after;
      if (seen.length < 40) insert(growing, seen.length + 100);
      rows = await list(`activity?after=${after}&limit=7`, growing);
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(seen.length).toBe(app.db.messages.after({ teamId: growing, seq: 0, limit: 1000 }).length);
  });

  test.each(['x', '', '-1', '1.5', '2026-01-01T00:00:00Z', '9'.repeat(20)])('%j is refused', async (after) => {
    const answer = await app.client.get(`/api/teams/${id}/activity?after=${encodeURIComponent(after)}`);
    expectError(answer, 400, 'INVALID_REQUEST', 'after');
  });
});

test('unknown keys of the query are ignored', async () => {
  expect(await list('messages?limit=2&colour=red&__proto__=x')).toHaveLength(2);
});
