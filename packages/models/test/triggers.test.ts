import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from '@agentcrew/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Database, openDatabase } from '../src/index.ts';
import { message, team } from './fixtures.ts';

let folder: TemporaryFolder;
let path: string;
let db: Database;
let teamId: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'test.db');
  db = open();
  teamId = db.teams.insert(team('alpha')).id;
});
afterEach(async () => {
  db[Symbol.dispose]();
  await folder[Symbol.asyncDispose]();
});

const open = (encryptionKey = 'one key') => openDatabase({ path, encryptionKey });

const schedule = () => db.schedules.insert({ team_id: teamId, name: 's', prompt: 'p', cron_expression: '* * * * *' });

function webhook(values: { signing_secret?: string; token_hash?: string } = {}) {
  const stored = { token_hash: 'hash', secret_prefix: 'whk_...', ...values };
  return db.webhooks.insert({ team_id: teamId, name: 'w', prompt_template: 'p', ...stored });
}

test('a signing secret is sealed in the file; under another key it is empty and not absent', () => {
  const { id } = webhook({ signing_secret: 'canary of a secret' });
  expect(db.webhooks.get(id)?.signing_secret).toBe('canary of a secret');
  expect(db.webhooks.byTokenHash('hash')?.signing_secret).toBe('canary of a secret');
  db[Symbol.dispose]();
  expect(readFileSync(path, 'latin1')).not.toContain('canary of a secret');
  db = open('another key');
  expect(db.webhooks.get(id)?.signing_secret).toBe('');
  expect(db.webhooks.update(id, { signing_secret: null })?.signing_secret).toBeNull();
});

test('a due time has one run', () => {
  const { id } = schedule();
  const due = { schedule_id: id, due_at: new Date(60_000) };
  expect(db.schedules.insertRun(due)).toMatchObject({ status: 'running', due_at: due.due_at });
  expect(db.schedules.insertRun({ ...due, status: 'skipped' })).toBeUndefined();
});

test('a run ends once; its trigger is idle when none is running any more', () => {
  const { id } = webhook();
  const [first, second] = [1, 2].map(() => db.webhooks.insertRun({ webhook_id: id, prompt_sent: 'p' }));
  const end = { status: 'success', error: '', response_received: 'r' } as const;
  const at = new Date();
  expect(db.runs.countOpen('webhook')).toBe(2);
  expect(db.runs.end({ type: 'webhook', id: first?.id ?? '' }, end, at)).toMatchObject({ ...end, finished_at: at });
  expect(db.runs.end({ type: 'webhook', id: first?.id ?? '' }, end, at)).toBeUndefined();
  expect(db.runs.update({ type: 'webhook', id: first?.id ?? '' }, { message_id: 'm' })).toBe(false);
  expect(db.webhooks.get(id)).toMatchObject({ status: 'running' });
  db.runs.end({ type: 'webhook', id: second?.id ?? '' }, end, at);
  expect(db.webhooks.get(id)).toMatchObject({ status: 'idle' });
});

test('a reply is that of the same team, and what a run has sent is no chat', () => {
  const since = new Date(Date.now() - 1);
  const other = db.teams.insert(team('beta')).id;
  const sent = db.messages.insert(message(teamId, 'm', { payload: { content: 'p', scheduled_run_id: 'r' } }));
  const reply = { message_type: 'leader_response', ref_message_id: 'm' } as const;
  db.messages.insert(message(other, 'x', reply));
  expect(sent && db.runs.replyTo(sent)).toBeUndefined();
  db.messages.insert(message(teamId, 'y', reply));
  expect(sent && db.runs.replyTo(sent)).toMatchObject({ message_id: 'y' });
  expect(db.runs.chattedSince(teamId, since)).toBe(false);
  db.messages.insert(message(teamId, 'z'));
  expect(db.runs.chattedSince(teamId, since)).toBe(true);
  expect(db.runs.chattedSince(teamId, new Date(Date.now() + 60_000))).toBe(false);
});
