import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CrewError } from '@agentcrew/protocol';
import { type TemporaryFolder, temporaryFolder } from '@agentcrew/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '../src/index.ts';
import { memoryDatabase, message, org, team } from './fixtures.ts';

let folder: TemporaryFolder;
let path: string;
const encryptionKey = 'test key';

beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'data', 'crew.db');
});
afterEach(() => folder[Symbol.asyncDispose]());

const unavailable = (text: string) =>
  expect.objectContaining({ code: 'STORAGE_UNAVAILABLE', message: expect.stringContaining(text) });

test('the file and its folder are created for the owner alone', () => {
  using db = openDatabase({ path, encryptionKey });
  db.teams.insert(team('alpha'));
  expect(statSync(join(folder.path, 'data')).mode & 0o777).toBe(0o700);
  for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('what was written is there after opening again', () => {
  const first = openDatabase({ path, encryptionKey });
  const row = first.teams.insert(team('alpha'));
  first.settings.upsert(org, { key: 'A', value: 'secret', is_secret: true });
  first[Symbol.dispose]();
  expect(existsSync(`${path}-wal`)).toBe(false);
  using again = openDatabase({ path, encryptionKey });
  expect(again.teams.all()).toEqual([row]);
  expect(again.settings.list(org)).toMatchObject([{ key: 'A', value: 'secret' }]);
});

test('two openers of one file see what the other writes', () => {
  using one = openDatabase({ path, encryptionKey });
  using two = openDatabase({ path, encryptionKey });
  const { id } = one.teams.insert(team('alpha'));
  two.messages.insert(message(id, 'from two'));
  one.messages.insert(message(id, 'from one'));
  expect(two.messages.after({ teamId: id, seq: 0, limit: 10 }).map((row) => row.message_id)).toEqual([
    'from two',
    'from one',
  ]);
});

test('secrets are in no file of the database', () => {
  const canary = 'canary-3f9a61c0';
  using db = openDatabase({ path, encryptionKey });
  const { id } = db.teams.insert(team('alpha', { nats_token: `${canary}-token` }));
  db.teams.update(id, { nats_token: `${canary}-another` });
  db.settings.upsert(org, { key: 'A', value: `${canary}-secret`, is_secret: true });
  db.settings.upsert(org, { key: 'B', value: `${canary}-setting`, is_secret: false });
  db.teams.insert(team('visible-team'));
  const bytes = [path, `${path}-wal`].map((file) => readFileSync(file, 'latin1')).join('');
  expect(bytes).toContain('visible-team');
  expect(bytes).not.toContain(canary);
});

test('with another key the settings are reported as undecryptable and the tokens are empty', () => {
  const first = openDatabase({ path, encryptionKey });
  first.teams.insert(team('alpha'));
  first.settings.upsert(org, { key: 'A', value: 'secret', is_secret: true });
  first[Symbol.dispose]();
  using db = openDatabase({ path, encryptionKey: 'another key' });
  db.settings.upsert(org, { key: 'B', value: 'new', is_secret: true });
  expect(db.settings.entries(org)).toEqual([
    { key: 'A', is_secret: true, undecryptable: true },
    { key: 'B', is_secret: true, undecryptable: false, value: 'new' },
  ]);
  expect(db.settings.list(org)).toMatchObject([
    { key: 'A', value: '' },
    { key: 'B', value: 'new' },
  ]);
  expect(db.teams.findBySlug('alpha')?.nats_token).toBe('');
});

test.each([
  ['a folder', (at: string) => mkdirSync(at, { recursive: true })],
  ['below a file', (at: string) => writeFileSync(join(at, '..'), '')],
])('a path that is %s is unavailable', (_what, prepare) => {
  prepare(path);
  expect(() => openDatabase({ path, encryptionKey })).toThrow(unavailable(`${path}: the file cannot be created`));
});

test.runIf(process.platform === 'linux')('a folder that cannot be created is unavailable', () => {
  const impossible = '/proc/agentcrew/data/crew.db';
  expect(() => openDatabase({ path: impossible, encryptionKey })).toThrow(unavailable(impossible));
});

test('a file that is no database is unavailable, and stays as it is', () => {
  mkdirSync(join(path, '..'));
  writeFileSync(path, 'something else entirely, which nobody wants to lose'.repeat(100));
  expect(() => openDatabase({ path, encryptionKey })).toThrow(unavailable('it is not a SQLite database'));
  expect(readFileSync(path, 'utf8')).toContain('something else entirely');
});

test('a transaction is kept or undone as a whole, nested ones by themselves', () => {
  using db = memoryDatabase();
  db.transaction(() => {
    db.teams.insert(team('kept'));
    const inner = () =>
      db.transaction(() => {
        db.teams.insert(team('undone'));
        throw new Error('inner');
      });
    expect(inner).toThrow('inner');
  });
  expect(db.teams.all().map((row) => row.slug)).toEqual(['kept']);
  const failing = () =>
    db.transaction(() => {
      db.transaction(() => db.teams.insert(team('undone too')));
      throw new CrewError('TEAM_NOT_RUNNING', 'outer');
    });
  expect(failing).toThrow(expect.objectContaining({ code: 'TEAM_NOT_RUNNING', message: 'outer' }));
  expect(db.teams.all()).toHaveLength(1);
  expect(db.transaction(() => 42)).toBe(42);
});

test('databases in memory are apart from each other', () => {
  using one = memoryDatabase();
  using two = memoryDatabase();
  one.teams.insert(team('alpha'));
  expect(two.teams.all()).toEqual([]);
  two.ping();
});
