import { join } from 'node:path';
import { createScheduler } from '@agentcrew/api/crew/runs/scheduler.ts';
import { type Database, type NewSchedule, openDatabase, type RunRef, type ScheduleRow } from '@agentcrew/models';
import { type TemporaryFolder, temporaryFolder, waitFor } from '@agentcrew/testkit';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRandom } from '../../support/random.ts';
import { storedTeam } from '../../support/rows.ts';
import { storedSchedule } from '../../support/runs.ts';

const minute = 60_000;
const start = new Date('2026-03-01T12:00:00Z').getTime();

let folder: TemporaryFolder;
let db: Database;
let now: number;
let followed: string[];
beforeEach(async () => {
  folder = await temporaryFolder();
  db = open();
  now = start;
  followed = [];
});
afterEach(async () => {
  db[Symbol.dispose]();
  await folder[Symbol.asyncDispose]();
});

function open(): Database {
  return openDatabase({ path: join(folder.path, 'test.db'), encryptionKey: 'only for a test' });
}

/** A scheduler on the clock of the test. It is asked for its ticks, no timer runs. */
function scheduler(follow: (ref: RunRef) => void = (ref) => void followed.push(ref.id), on = db, maxConcurrent = 10) {
  const log = pino({ level: 'silent' });
  return createScheduler({ db: on, runs: { follow }, maxConcurrent, now: () => new Date(now), log });
}

function schedule(values: Partial<NewSchedule> = {}): ScheduleRow {
  return storedSchedule(db, storedTeam(db).team.id, { next_run_at: new Date(start + minute), ...values });
}

const end = (id: string) =>
  db.runs.end({ type: 'schedule', id }, { status: 'success', error: '', response_received: '' }, new Date());

/** The runs of a schedule, oldest first. */
function runs({ id }: ScheduleRow) {
  const all = [];
  for (let page = 1; ; page += 1) {
    const { rows } = db.schedules.runs(id, { page, perPage: 500 });
    if (rows.length === 0) return all.reverse();
    all.push(...rows);
  }
}

test('a schedule runs when it is due, not before, and once', async () => {
  const one = schedule();
  const engine = scheduler();
  await engine.tick();
  now = start + minute - 1;
  await engine.tick();
  expect(runs(one)).toEqual([]);
  now = start + minute;
  await Promise.all([engine.tick(), engine.tick()]);
  await engine.tick();
  expect(runs(one)).toMatchObject([{ status: 'running', due_at: new Date(now), prompt_sent: one.prompt }]);
  expect(followed).toEqual(runs(one).map(({ id }) => id));
  expect(db.schedules.get(one.id)).toMatchObject({
    status: 'running',
    last_run_at: new Date(now),
    next_run_at: new Date(now + minute),
    updated_at: one.updated_at,
  });
});

test('by its timer a schedule runs when its time has come, also one that was changed later', async () => {
  const engine = scheduler();
  engine.start();
  now = start + minute;
  const one = schedule({ next_run_at: new Date(now + 30) });
  engine.changed();
  now += 40;
  await waitFor('the run', () => runs(one).length === 1);
  await engine.close();
});

test.each([
  ['while the scheduler runs', () => undefined],
  ['between two servers', () => scheduler()],
])(
  'after the clock was set back, %s, a schedule runs by the new time; no due time has two runs',
  async (_what, next) => {
    const one = schedule();
    let engine = scheduler();
    now = start + 180 * minute;
    await engine.tick();
    end(followed[0] ?? '');
    const before = runs(one).length;
    now = start + 178 * minute;
    engine = next() ?? engine;
    await engine.tick();
    expect(db.schedules.get(one.id)?.next_run_at).toEqual(new Date(now + minute));
    for (let count = 0; count < 4; count += 1) {
      now += minute;
      await engine.tick();
      end(followed.at(-1) ?? '');
    }
    const all = runs(one);
    expect(all).toHaveLength(before + 2);
    expect(new Set(all.map(({ due_at }) => due_at.getTime())).size).toBe(all.length);
  },
);

test('one that is switched off does not run', async () => {
  const one = schedule({ enabled: false });
  now += 5 * minute;
  await scheduler().tick();
  expect(runs(one)).toEqual([]);
});

test('while its previous run goes on, a schedule is skipped', async () => {
  const one = schedule();
  const engine = scheduler();
  for (let count = 0; count < 3; count += 1) {
    now += minute;
    await engine.tick();
    if (count === 1) end(followed[0] ?? '');
  }
  const error = 'The previous run of the schedule was still under way.';
  expect(runs(one)).toMatchObject([{ status: 'success' }, { status: 'skipped', error }, { status: 'running' }]);
});

test('nothing makes up for what was missed while the previous run goes on', async () => {
  const one = schedule({ missed_policy: 'once' });
  const engine = scheduler();
  now += minute;
  await engine.tick();
  now += 3 * minute;
  await engine.tick();
  const error = expect.not.stringContaining('makes up');
  expect(runs(one)).toMatchObject([
    { status: 'running' },
    { status: 'skipped', error },
    { status: 'skipped', error },
    { status: 'skipped', error: 'The previous run of the schedule was still under way.' },
  ]);
});

test('as many run at once as may, the others are skipped', async () => {
  const all = Array.from({ length: 5 }, () => schedule());
  now += minute;
  await scheduler(undefined, db, 3).tick();
  const statuses = all.flatMap((one) => runs(one)).map(({ status }) => status);
  expect(statuses.toSorted()).toEqual(['running', 'running', 'running', 'skipped', 'skipped']);
  const [skipped] = all.flatMap((one) => runs(one)).filter(({ status }) => status === 'skipped');
  expect(skipped?.error).toContain('SCHEDULER_MAX_CONCURRENT');
});

describe('with several organisations', () => {
  const statuses = (all: ScheduleRow[]) => all.flatMap(runs).map(({ status }) => status);

  test('one has at most half of the places, rounded up', async () => {
    const many = Array.from({ length: 4 }, () => schedule());
    const other = schedule({ org_id: 'another', next_run_at: new Date(start + minute + 1) });
    now += minute + 1;
    await scheduler(undefined, db, 3).tick();
    expect(statuses(many)).toEqual(['running', 'running', 'skipped', 'skipped']);
    const error =
      '2 runs of schedules of this organization, its share of 3, were under way already (SCHEDULER_MAX_CONCURRENT).';
    expect(many.flatMap(runs).at(-1)).toMatchObject({ error });
    expect(statuses([other])).toEqual(['running']);
  });

  test('of one place one has that place', async () => {
    const all = [schedule({ org_id: 'another' }), schedule()];
    now += minute;
    await scheduler(undefined, db, 1).tick();
    expect(statuses(all)).toEqual(['running', 'skipped']);
    expect(all.flatMap(runs)[1]?.error).toBe('1 runs of schedules were under way already (SCHEDULER_MAX_CONCURRENT).');
  });

  test('one has all places while no other one has schedules that are switched on', async () => {
    const many = Array.from({ length: 3 }, () => schedule());
    schedule({ org_id: 'another', enabled: false });
    now += minute;
    await scheduler(undefined, db, 3).tick();
    expect(statuses(many)).toEqual(['running', 'running', 'running']);
  });
});

describe('after the server was away', () => {
  test('what was missed is skipped, each time with a row; the one that is due now runs', async () => {
    const one = schedule();
    now += 5 * minute + 30_000;
    await scheduler().tick();
    expect(runs(one).map(({ status }) => status)).toEqual(['skipped', 'skipped', 'skipped', 'skipped', 'running']);
    expect(runs(one)[0]).toMatchObject({ due_at: new Date(start + minute), error: expect.stringMatching(/^Missed/) });
    expect(db.schedules.get(one.id)?.next_run_at).toEqual(new Date(start + 6 * minute));
  });

  test('the policy `skip` runs nothing that is late, the policy `once` the last of what was missed', async () => {
    const hourly = { cron_expression: '0 * * * *', next_run_at: new Date(start + 60 * minute) };
    const [skip, once] = [schedule(hourly), schedule({ ...hourly, missed_policy: 'once' })];
    now += 190 * minute;
    await scheduler().tick();
    expect(runs(skip).map(({ status }) => status)).toEqual(['skipped', 'skipped', 'skipped']);
    expect(runs(once)).toMatchObject([
      { status: 'skipped', error: expect.stringContaining('2026-03-01T15:00:00.000Z makes up for it') },
      { status: 'skipped' },
      { status: 'running', due_at: new Date(start + 180 * minute) },
    ]);
    for (const { id } of [skip, once]) {
      expect(db.schedules.get(id)?.next_run_at).toEqual(new Date(start + 240 * minute));
    }
  });

  test('of very many missed times the last thousand have rows, and the oldest says that there are more', async () => {
    const one = schedule();
    now += 3_000 * minute + 30_000;
    await scheduler().tick();
    const rows = runs(one);
    expect(rows).toHaveLength(1_000);
    expect(rows[0]).toMatchObject({
      status: 'skipped',
      error: expect.stringContaining('Earlier ones were missed too'),
    });
    expect(rows[1]?.error).not.toContain('Earlier');
    expect(rows.at(-1)).toMatchObject({ status: 'running', due_at: new Date(start + 3_000 * minute) });
  });
});

test('one that cannot be read is marked and holds up no other', async () => {
  const [broken, good] = [schedule({ cron_expression: 'x' }), schedule()];
  now += minute;
  await scheduler().tick();
  expect(db.schedules.get(broken.id)).toMatchObject({ status: 'error', next_run_at: null });
  expect(runs(good)).toHaveLength(1);
});

test('1,000 ticks with the server killed at random: every due minute ran once or was skipped', async () => {
  const random = createRandom(6);
  const one = schedule();
  let engine = scheduler(follow);
  let inWork: string[] = [];

  function follow({ id }: RunRef): void {
    followed.push(id);
    // Killed after the claim; or the run takes some minutes; or it has ended by the next tick.
    const how = random.next(20);
    if (how === 0) throw new Error('killed');
    if (how < 5) inWork.push(id);
    else end(id);
  }

  function kill(): void {
    db[Symbol.dispose]();
    db = open();
    // What the runs do at the start of the server.
    for (const run of db.runs.open())
      db.runs.end(run, { status: 'failed', error: '', response_received: '' }, new Date());
    inWork = [];
    engine = scheduler(follow);
    now += random.next(40) * minute;
  }

  for (let tick = 0; tick < 1_000; tick += 1) {
    now = start + (Math.floor((now - start) / minute) + 1) * minute + random.next(minute);
    await engine.tick();
    if (random.next(3) === 0) inWork.splice(0).forEach(end);
    if (random.next(15) === 0) kill();
  }

  const rows = runs(one);
  const minutes = Math.floor((now - start) / minute);
  const lastDue = rows.at(-1)?.due_at.getTime() ?? 0;
  expect(rows.map(({ due_at }) => due_at.getTime())).toEqual(
    Array.from({ length: (lastDue - start) / minute }, (_, index) => start + (index + 1) * minute),
  );
  expect(minutes - rows.length).toBeLessThanOrEqual(40);
  const ran = rows.filter(({ status }) => status !== 'skipped').map(({ id }) => id);
  expect(ran.length).toBeGreaterThan(300);
  expect(followed).toEqual(ran);
});

test('two schedulers on one database never both run a minute', async () => {
  const one = schedule();
  using other = open();
  const engines = [scheduler(undefined, db), scheduler(undefined, other)];
  for (let count = 0; count < 50; count += 1) {
    now += minute;
    await Promise.all(engines.map((engine) => engine.tick()));
    for (const { id } of db.runs.open()) end(id);
  }
  expect(runs(one)).toHaveLength(50);
  expect(followed).toHaveLength(50);
  expect(new Set(followed).size).toBe(50);
});
