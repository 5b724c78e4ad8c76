import type fs from 'node:fs';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from '@agentcrew/testkit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConfigError } from '../src/config.ts';
import { prepareFolders } from '../src/folders.ts';
import { Ledger } from '../src/ledger.ts';
import { ownState } from '../src/own-state.ts';
import { Session } from '../src/session.ts';
import { message } from './fakes.ts';

/** A process can be killed at any call; this one throws in its place. */
const removals = vi.hoisted(() => ({ left: Number.POSITIVE_INFINITY }));
vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  const rmSync = (...parameters: Parameters<typeof fs.rmSync>) => {
    if (removals.left <= 0) throw new Error('killed');
    removals.left -= 1;
    real.rmSync(...parameters);
  };
  return { ...real, default: { ...real, rmSync }, rmSync };
});

let folder: TemporaryFolder;
let state: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  state = join(folder.path, 'state');
});
afterEach(async () => {
  removals.left = Number.POSITIVE_INFINITY;
  await folder[Symbol.asyncDispose]();
});

const specOf = (agent_id?: string) => ({ agent_id, state_dir: state, workspace: join(folder.path, 'workspace') });

/** As the sidecar starts; tells whether something was forgotten. */
function start(agentId?: string): boolean {
  prepareFolders(specOf(agentId));
  return ownState(specOf(agentId));
}

/** What an agent has after some work. */
function work(): { session: string } {
  new Ledger(state).saveReply('m1', message('reply'));
  for (const name of ['turn.json', 'spending.json', 'agent-id.tmp']) writeFileSync(join(state, name), '{}');
  mkdirSync(join(state, 'claude', 'projects'), { recursive: true });
  writeFileSync(join(state, 'claude', 'projects', 'session.jsonl'), 'a secret of the first');
  writeFileSync(join(state, 'home', '.notes'), 'a secret of the first');
  return { session: new Session(state).id };
}

const nobody = 65_534;
const owner = () => readFileSync(join(state, 'agent-id'), 'utf8');
const untouched = [
  'agent-id',
  'agent-id.tmp',
  'claude',
  'home',
  'replies',
  'session.json',
  'spending.json',
  'turn.json',
];
const fresh = ['agent-id', 'claude', 'home'];

describe('state', () => {
  test('of the same agent stays', () => {
    start('one');
    const { session } = work();
    expect(start('one')).toBe(false);
    expect(readdirSync(state)).toEqual(untouched);
    expect(new Session(state).id).toBe(session);
  });

  test('of another agent is deleted, to the last file, and the folder is that of the new one', () => {
    start('one');
    const { session } = work();
    expect(start('two')).toBe(true);
    expect(readdirSync(state)).toEqual(fresh);
    expect([...readdirSync(join(state, 'claude')), ...readdirSync(join(state, 'home'))]).toEqual([]);
    expect(owner()).toBe('two');
    expect(new Ledger(state).reply('m1')).toBeUndefined();
    expect(new Session(state).id).not.toBe(session);
    expect(start('two')).toBe(false);
  });

  test('that says nothing of its owner, as before there were owners, stays and has one from now on', () => {
    start();
    const { session } = work();
    expect(start('one')).toBe(false);
    expect(new Session(state).id).toBe(session);
    expect(owner()).toBe('one');
    expect(start('two')).toBe(true);
  });

  test('stays when a server tells of no id', () => {
    start('one');
    work();
    expect(start()).toBe(false);
    expect(readdirSync(state)).toEqual(untouched);
    expect(owner()).toBe('one');
  });

  test.each([0, 1, 3])('whose deletion was cut off after %i files is deleted by the next process', (done) => {
    start('one');
    work();
    removals.left = done;
    expect(() => start('two')).toThrow(ConfigError);
    expect(owner()).toBe('one');
    removals.left = Number.POSITIVE_INFINITY;
    expect(start('two')).toBe(true);
    expect(readdirSync(state)).toEqual(fresh);
  });

  test('goes without what the local runtime knows of the present process; logs begin anew', () => {
    start('one');
    work();
    const record = ['process.json', 'process.json.b0000000-0000-4000-8000-000000000000'];
    const logs = ['stderr.log', 'stdout.log'];
    for (const name of [...record, ...logs, 'stdout.log.1', 'health.json']) writeFileSync(join(state, name), name);
    start('two');
    expect(readdirSync(state)).toEqual([...fresh, ...record, ...logs]);
    for (const name of record) expect(readFileSync(join(state, name), 'utf8')).toBe(name);
    for (const name of logs) expect(readFileSync(join(state, name), 'utf8')).toBe('');
  });

  test('in folders that are not writable is deleted too', () => {
    start('one');
    const module = join(state, 'home', 'go', 'pkg', 'mod', 'one');
    mkdirSync(module, { recursive: true });
    writeFileSync(join(module, 'go.mod'), '');
    for (const path of [module, join(module, '..')]) chmodSync(path, 0o555);
    asNobody(() => expect(start('two')).toBe(true));
    expect(readdirSync(join(state, 'home'))).toEqual([]);
  });
});

/** For root every folder is writable: so the work is done as somebody else, whose folder it then is. */
function asNobody(work: () => void): void {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    const all = readdirSync(folder.path, { recursive: true, encoding: 'utf8' });
    for (const name of ['.', ...all]) chownSync(join(folder.path, name), nobody, nobody);
    process.seteuid?.(nobody);
  }
  try {
    work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}
