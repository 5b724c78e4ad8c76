import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Database } from '../src/index.ts';
import { memoryDatabase, message, team } from './fixtures.ts';

const day = 86_400_000;
const newYear = new Date('2026-01-01T00:00:00Z');
let db: Database;
let teamId: string;
let triggers: { schedule: string; webhook: string; action: string };
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: newYear });
  db = memoryDatabase();
  teamId = db.teams.insert(team('alpha')).id;
  const words = { team_id: teamId, name: 'a' };
  triggers = {
    schedule: db.schedules.insert({ ...words, prompt: 'p', cron_expression: '* * * * *' }).id,
    webhook: db.webhooks.insert({ ...words, prompt_template: 'p', token_hash: 'hash', secret_prefix: 'whk_' }).id,
    action: db.postActions.insert({ name: 'a', url: 'https://example.org' }).id,
  };
});
afterEach(() => {
  db[Symbol.dispose]();
  vi.useRealTimers();
});

const end = { status: 'success', error: '', response_received: '' } as const;
const answer = { status: 'success', status_code: 200, response_body: '', error: '', request_sent: '' } as const;

/** One of each kind on that day, those that end have. */
function live(at: Date): void {
  vi.setSystemTime(at);
  for (const message_type of ['user_message', 'leader_response', 'activity_event', 'status_update'] as const)
    db.messages.insert(message(teamId, `${message_type} ${at.toISOString()}`, { message_type }));
  const scheduled = db.schedules.insertRun({ schedule_id: triggers.schedule, due_at: at });
  db.runs.end({ type: 'schedule', id: scheduled?.id ?? '' }, end, at);
  db.runs.end({ type: 'webhook', id: db.webhooks.insertRun({ webhook_id: triggers.webhook }).id }, end, at);
  deliver(at);
  db.postActionRuns.finish(db.postActionRuns.claim(at, [])?.run.id ?? '', answer, at);
}

function deliver(at: Date): void {
  const what = { post_action_id: triggers.action, binding_id: 'b', source_type: 'schedule', placeholders: {} } as const;
  db.postActionRuns.insert({ ...what, source_run_id: at.toISOString() });
}

const page = { page: 1, perPage: 10 };
const left = () => ({
  messages: db.messages.page({ teamId, limit: 50 }).map(({ message_id }) => message_id.replace('T00:00:00.000Z', '')),
  runs: [db.schedules.runs(triggers.schedule, page).total, db.webhooks.runs(triggers.webhook, page).total],
  deliveries: db.postActionRuns.page(triggers.action, { limit: 10, offset: 0 }).total,
});

test('what agents did and what has ended is deleted when it is old; what was said stays', () => {
  live(newYear);
  live(new Date(newYear.getTime() + day));
  expect(db.history.forget(new Date(newYear.getTime() + 1), 100)).toBe(5);
  expect(left()).toEqual({
    messages: [
      'status_update 2026-01-02',
      'activity_event 2026-01-02',
      'leader_response 2026-01-02',
      'user_message 2026-01-02',
      'leader_response 2026-01-01',
      'user_message 2026-01-01',
    ],
    runs: [1, 1],
    deliveries: 1,
  });
  expect(db.history.forget(new Date(newYear.getTime() + 1), 100)).toBe(0);
});

test('what has not ended stays, however old it is', () => {
  db.schedules.insertRun({ schedule_id: triggers.schedule, due_at: newYear });
  db.webhooks.insertRun({ webhook_id: triggers.webhook });
  deliver(newYear);
  expect(db.history.forget(new Date(newYear.getTime() + 365 * day), 100)).toBe(0);
  expect(left()).toMatchObject({ runs: [1, 1], deliveries: 1 });
});

test('it goes in pieces', () => {
  for (let days = 0; days < 3; days++) live(new Date(newYear.getTime() + days * day));
  const before = new Date(newYear.getTime() + 10 * day);
  const pieces = [1, 2, 3, 4, 5, 6, 7].map(() => db.history.forget(before, 1));
  expect(pieces).toEqual([4, 4, 4, 1, 1, 1, 0]);
});
