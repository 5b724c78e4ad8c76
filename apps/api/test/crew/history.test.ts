import { createHistory, type History } from '@agentcrew/api/crew/history.ts';
import type { Database } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import { waitFor } from '@agentcrew/testkit';
import pino from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { memoryDatabase, storedTeam } from '../support/rows.ts';

const hour = 3_600_000;
let db: Database;
let teamId: string;
let history: History | undefined;
beforeEach(() => {
  db = memoryDatabase();
  teamId = storedTeam(db).team.id;
  for (let n = 0; n < 1_200; n++) act(`${n}`);
});
afterEach(async () => {
  await history?.close();
  vi.useRealTimers();
  db[Symbol.dispose]();
});

function act(message_id: string): void {
  const who = { team_id: teamId, from_agent: 'lead', to_agent: 'user' };
  db.messages.insert({ ...who, message_id, message_type: 'activity_event', payload: {} });
}

function start(retentionMs: number | undefined, now = new Date(Date.now() + hour)): void {
  history = createHistory({ db, retentionMs, now: () => now, log: pino({ level: 'silent' }) });
  history.start();
}

const rows = () => db.messages.page({ teamId, limit: 500 }).length;

test('goes at the start, all of it, when its time is over', async () => {
  start(hour - 1);
  await waitFor('it to be gone', () => rows() === 0);
});

test('stays until then', async () => {
  start(hour + 60_000);
  await history?.close();
  expect(rows()).toBe(500);
});

test('stays when it is to be kept for ever', async () => {
  const forget = vi.spyOn(db.history, 'forget');
  start(undefined);
  await history?.close();
  expect(forget).not.toHaveBeenCalled();
});

test('goes an hour later when the database could not be used', async () => {
  vi.useFakeTimers({ toFake: ['setInterval'] });
  const locked = new CrewError('STORAGE_UNAVAILABLE', 'database is locked');
  const forget = vi.spyOn(db.history, 'forget').mockImplementationOnce(() => {
    throw locked;
  });
  start(hour - 1);
  await new Promise(setImmediate);
  expect(rows()).toBe(500);
  vi.advanceTimersByTime(hour);
  await waitFor('it to be gone', () => rows() === 0);
  expect(forget).toHaveBeenCalledTimes(5);
});
