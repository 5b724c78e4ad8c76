import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@agentcrew/testkit';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Database, type NewPostAction, openDatabase } from '../src/index.ts';
import { org, team } from './fixtures.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let path: string;
let db: Database;
/** A second connection to the same file. */
let raw: Sqlite.Database;

beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'crew.db');
  db = openDatabase({ path, encryptionKey: 'test key' });
  raw = new Sqlite(path);
  raw.pragma('foreign_keys = ON');
});
afterEach(async () => {
  raw.close();
  db[Symbol.dispose]();
  await folder[Symbol.asyncDispose]();
});

const action = (values: Partial<NewPostAction> = {}) =>
  db.postActions.insert({ name: 'notify', url: 'https://example.org', ...values });

function schedule({ name = 'nightly', org_id = org } = {}) {
  const id = randomUUID();
  const { id: team_id } = db.teams.insert(team(`t-${id.slice(0, 8)}`));
  raw
    .prepare(
      `insert into schedules (id, org_id, team_id, name, prompt, cron_expression, created_at, updated_at)
       values (?, ?, ?, ?, 'go', '* * * * *', 0, 0)`,
    )
    .run(id, org_id, team_id, name);
  return { trigger: { type: 'schedule' as const, id }, team_id };
}

const bind = (post_action_id: string, trigger: { type: 'schedule' | 'webhook'; id: string }, values = {}) =>
  db.postActionBindings.insert({ post_action_id, trigger_type: trigger.type, trigger_id: trigger.id, ...values });

function queued(values: { post_action_id?: string; source_run_id?: string } = {}) {
  const post_action_id = values.post_action_id ?? action().id;
  const run = {
    post_action_id,
    binding_id: randomUUID(),
    source_type: 'schedule' as const,
    source_run_id: randomUUID(),
    placeholders: { status: 'success' },
    ...values,
  };
  expect(db.postActionRuns.insert(run)).toBe(true);
  return run;
}

const result = { status_code: 200, response_body: 'ok', error: '', request_sent: 'POST /' };
const soon = () => new Date(Date.now() + 1_000);
const onlyRun = (actionId: string) => db.postActionRuns.page(actionId, { limit: 10, offset: 0 }).rows[0];

describe('an action', () => {
  test('has the defaults of the wire', () => {
    expect(action()).toMatchObject({
      org_id: org,
      description: '',
      method: 'POST',
      headers: null,
      body_template: '',
      auth_type: 'none',
      auth_config: null,
      timeout_seconds: 30,
      retry_count: 0,
      enabled: true,
      unreadable: false,
    });
  });

  test('is changed, listed with the number of its bindings, and deleted with them', () => {
    const { id } = action();
    action({ name: 'another' });
    bind(id, schedule().trigger);
    bind(id, schedule().trigger);
    expect(db.postActions.update(org, id, { name: 'changed', enabled: false })).toMatchObject({
      name: 'changed',
      url: 'https://example.org',
    });
    expect(db.postActions.list(org).map(({ name, bindings_count }) => [name, bindings_count])).toEqual([
      ['changed', 2],
      ['another', 0],
    ]);
    expect(db.postActions.delete(org, id)).toBe(true);
    expect(db.postActions.delete(org, id)).toBe(false);
    expect(raw.prepare('select count(*) from post_action_bindings').pluck().get()).toBe(0);
  });

  test('of another organisation does not exist', () => {
    const { id } = action({ org_id: 'another org' });
    expect(db.postActions.get(org, id)).toBeUndefined();
    expect(db.postActions.update(org, id, { name: 'mine' })).toBeUndefined();
    expect(db.postActions.delete(org, id)).toBe(false);
    expect(db.postActions.list(org)).toEqual([]);
  });

  test('has its secrets sealed in the file', () => {
    const { id } = action({ headers: { 'x-api-key': 'canary-one' }, auth_config: { token: 'canary-two' } });
    db.postActions.update(org, id, { auth_config: { token: 'canary-three' } });
    expect(db.postActions.get(org, id)).toMatchObject({
      headers: { 'x-api-key': 'canary-one' },
      auth_config: { token: 'canary-three' },
      unreadable: false,
    });
    raw.pragma('wal_checkpoint(truncate)');
    expect(readFileSync(path).includes('canary')).toBe(false);
  });

  test('whose secrets were sealed with another key says so', () => {
    const { id } = action({ headers: { a: 'b' }, auth_config: { token: 'secret' } });
    using other = openDatabase({ path, encryptionKey: 'another key' });
    expect(other.postActions.get(org, id)).toMatchObject({
      headers: { a: '' },
      auth_config: { token: '' },
      unreadable: true,
    });
  });
});

describe('a binding', () => {
  test('comes with its action and the name of its trigger, from both sides', () => {
    const { id } = action({ auth_type: 'bearer', auth_config: { token: 'secret' } });
    const { trigger } = schedule({ name: 'nightly' });
    const binding = bind(id, trigger, { trigger_on: 'failure' });
    const expected = { binding, trigger_name: 'nightly', action: { id, auth_config: { token: 'secret' } } };
    expect(db.postActionBindings.ofAction(id)).toMatchObject([expected]);
    expect(db.postActionBindings.ofTrigger(org, trigger)).toMatchObject([expected]);
    expect(db.postActionBindings.get(id, binding.id)).toMatchObject(expected);
    expect(db.postActionBindings.ofTrigger('another org', trigger)).toEqual([]);
    expect(db.postActionBindings.get('another', binding.id)).toBeUndefined();
  });

  test('exists once', () => {
    const { id } = action();
    const { trigger } = schedule();
    bind(id, trigger, { trigger_on: 'any' });
    const other = bind(id, trigger, { trigger_on: 'success' });
    expect(() => bind(id, trigger, { trigger_on: 'any' })).toThrow(/already exists/);
    expect(() => db.postActionBindings.update(id, other.id, { trigger_on: 'any' })).toThrow(/already exists/);
    expect(db.postActionBindings.update(id, other.id, {})).toEqual(other);
    expect(db.postActionBindings.update('another', other.id, { enabled: false })).toBeUndefined();
  });

  test('knows the triggers of its organisation', () => {
    const { trigger } = schedule({ org_id: 'another org' });
    expect(db.postActionBindings.triggerExists(org, trigger)).toBe(false);
    expect(db.postActionBindings.triggerExists('another org', trigger)).toBe(true);
    expect(db.postActionBindings.triggerExists('another org', { type: 'webhook', id: trigger.id })).toBe(false);
  });

  test('goes with its schedule, also when that goes with its team', () => {
    const { id } = action();
    const first = schedule();
    const second = schedule();
    for (const { trigger } of [first, second, schedule()]) bind(id, trigger);
    raw.prepare('delete from schedules where id = ?').run(first.trigger.id);
    db.teams.delete(second.team_id);
    expect(db.postActionBindings.ofAction(id)).toHaveLength(1);
  });

  test('goes with its webhook', () => {
    const { id } = action();
    const { id: team_id } = db.teams.insert(team('alpha'));
    raw
      .prepare(
        `insert into webhooks (id, team_id, name, prompt_template, token_hash, secret_prefix, created_at, updated_at)
         values ('w', ?, 'hook', 'go', 'hash', 'whk_', 0, 0)`,
      )
      .run(team_id);
    bind(id, { type: 'webhook', id: 'w' });
    expect(db.postActionBindings.ofAction(id)).toMatchObject([{ trigger_name: 'hook' }]);
    raw.exec('delete from webhooks');
    expect(db.postActionBindings.ofAction(id)).toEqual([]);
  });

  test.each([
    ['success', ['success', 'any']],
    ['failure', ['failure', 'any']],
  ] as const)('matches the outcome %s', (outcome, expected) => {
    const { trigger } = schedule();
    const { id } = action();
    for (const trigger_on of ['success', 'failure', 'any'] as const) bind(id, trigger, { trigger_on });
    bind(action({ enabled: false }).id, trigger);
    bind(action().id, trigger, { enabled: false });
    bind(action({ org_id: 'another org' }).id, trigger);
    bind(action().id, schedule().trigger);
    const ids = db.postActionBindings.matching(org, trigger, outcome).map((binding) => binding.id);
    expect(ids.map((one) => db.postActionBindings.get(id, one)?.binding.trigger_on)).toEqual(expected);
  });
});

describe('the queue', () => {
  test('has the same end of a run once for each binding', () => {
    const run = queued();
    expect(db.postActionRuns.insert(run)).toBe(false);
    expect(db.postActionRuns.insert({ ...run, source_run_id: 'another' })).toBe(true);
  });

  test('gives each run to one, oldest first, with its action', () => {
    const { id } = action({ auth_type: 'bearer', auth_config: { token: 'secret' } });
    const runs = [1, 2, 3].map(() => queued({ post_action_id: id }));
    const claimed = [1, 2, 3].map(() => db.postActionRuns.claim(soon(), []));
    expect(claimed.map((one) => one?.run.source_run_id)).toEqual(runs.map(({ source_run_id }) => source_run_id));
    expect(claimed[0]).toMatchObject({ run: { attempts: 1 }, action: { auth_config: { token: 'secret' } } });
    expect(db.postActionRuns.claim(soon(), [])).toBeUndefined();
    expect(db.postActionRuns.openCount()).toBe(3);
  });

  test('passes over what it is told to, and what is not due', () => {
    const { post_action_id } = queued();
    expect(db.postActionRuns.claim(soon(), [post_action_id])).toBeUndefined();
    expect(db.postActionRuns.nextDueAt([post_action_id])).toBeUndefined();
    expect(db.postActionRuns.claim(new Date(0), [])).toBeUndefined();
    expect(db.postActionRuns.nextDueAt([])).toBeInstanceOf(Date);
  });

  test('has a failed attempt again when its time has come', () => {
    const { post_action_id } = queued();
    const run = db.postActionRuns.claim(soon(), [])?.run;
    const at = new Date(Date.now() + 60_000);
    db.postActionRuns.retry(run?.id ?? '', { ...result, status_code: 503, error: 'HTTP 503' }, at);
    expect(onlyRun(post_action_id)).toMatchObject({ status: 'retrying', error: 'HTTP 503', completed_at: null });
    expect(db.postActionRuns.nextDueAt([])).toEqual(at);
    expect(db.postActionRuns.claim(soon(), [])).toBeUndefined();
    expect(db.postActionRuns.claim(at, [])).toMatchObject({ run: { attempts: 2 } });
  });

  test('finishes a run once, and lets its texts go', () => {
    const { post_action_id } = queued();
    const id = db.postActionRuns.claim(soon(), [])?.run.id ?? '';
    db.postActionRuns.finish(id, { ...result, status: 'success' }, new Date());
    db.postActionRuns.finish(id, { ...result, status: 'failed' }, new Date());
    db.postActionRuns.retry(id, result, new Date());
    expect(onlyRun(post_action_id)).toMatchObject({
      ...result,
      status: 'success',
      placeholders: {},
      completed_at: expect.any(Date),
    });
    expect(db.postActionRuns.openCount()).toBe(0);
    expect(db.postActionRuns.release(new Date())).toBe(0);
  });

  test('has what was under way again after a kill, and only that', () => {
    queued();
    const waiting = queued();
    const under = db.postActionRuns.claim(soon(), [])?.run;
    expect(db.postActionRuns.release(soon())).toBe(1);
    expect(db.postActionRuns.claim(soon(), [])?.run.source_run_id).toBe(waiting.source_run_id);
    expect(db.postActionRuns.claim(soon(), [])?.run).toMatchObject({ id: under?.id, attempts: 1 });
  });

  test('keeps what was set off when its binding goes, and drops it when its action goes', () => {
    const { post_action_id } = queued();
    db.postActions.delete(org, post_action_id);
    expect(db.postActionRuns.openCount()).toBe(0);
  });

  test('shows pages, newest first', () => {
    const { id } = action();
    const runs = [1, 2, 3].map(() => queued({ post_action_id: id }).source_run_id);
    queued();
    const { rows, total } = db.postActionRuns.page(id, { limit: 2, offset: 0 });
    expect(total).toBe(3);
    expect(rows.map(({ source_run_id }) => source_run_id)).toEqual(runs.toReversed().slice(0, 2));
    expect(db.postActionRuns.page(id, { limit: 2, offset: 2 }).rows).toHaveLength(1);
  });
});
