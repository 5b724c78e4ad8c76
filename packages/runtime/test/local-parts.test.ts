import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { latch, temporaryFolder } from '@agentcrew/testkit';
import { expect, it } from 'vitest';
import { specHash } from '../src/local/agent-record.ts';
import { childEnvironment } from '../src/local/child-environment.ts';
import { crewErrors } from '../src/local/crew-errors.ts';
import { agentId, layout, parseAgentId } from '../src/local/layout.ts';
import { natsConfig } from '../src/local/nats-config.ts';
import { ensurePrivateFolder, storageError, writePrivateFile } from '../src/local/private-files.ts';
import { openWorkspace } from '../src/local/workspace.ts';
import { cancelled } from '../src/shared/cancellation.ts';
import { canonicalJson } from '../src/shared/canonical-json.ts';
import { serialQueue } from '../src/shared/serial-queue.ts';

it('reads its own ids and no others', () => {
  expect(parseAgentId(agentId('crew', 'lead'))).toEqual({ team: 'crew', agent: 'lead' });
  for (const id of ['', 'crew/lead', 'local:crew', 'local:crew/', 'local:crew/../x', 'local:../crew', 'local:a/b/c']) {
    expect(parseAgentId(id)).toBeUndefined();
  }
});

it('hashes a spec without regard to the order of its keys', () => {
  expect(specHash({ a: 1, b: { c: [1, { e: 2, d: 3 }] } })).toBe(specHash({ b: { c: [1, { d: 3, e: 2 }] }, a: 1 }));
  expect(specHash({ a: [1, 2] })).not.toBe(specHash({ a: [2, 1] }));
  expect(canonicalJson({ b: undefined, a: null })).toBe('{"a":null}');
});

it('gives a child nothing but what it needs', () => {
  const host = {
    PATH: '/bin',
    HOME: '/home/me',
    ANTHROPIC_API_KEY: 'secret',
    NODE_OPTIONS: '--inspect',
    TZ: undefined,
  };
  expect(childEnvironment(host, { MARK: 'x' })).toEqual({ PATH: '/bin', HOME: '/home/me', MARK: 'x' });
});

it('tells a cancelled operation from one that took too long', () => {
  const reason = cancelled(AbortSignal.abort(), 'the deploy');
  expect(reason.code).toBe('DEPLOY_CANCELLED');
  expect(cancelled(AbortSignal.abort(reason), 'anything')).toBe(reason);
  const timeout = AbortSignal.abort(new DOMException('over', 'TimeoutError'));
  expect(cancelled(timeout, 'the deploy').code).toBe('DEPLOY_TIMEOUT');
});

it('runs one key in order and different keys side by side', async () => {
  const queue = serialQueue();
  const seen: string[] = [];
  const gate = latch();
  const first = queue.run('a', async () => {
    await gate.promise;
    seen.push('a1');
    throw new Error('no');
  });
  const second = queue.run('a', async () => seen.push('a2'));
  await queue.run('b', async () => seen.push('b'));
  expect(queue.busyKeys()).toEqual(['a']);
  gate.open();
  await expect(first).rejects.toThrow('no');
  await second;
  expect(seen).toEqual(['b', 'a1', 'a2']);
  expect(queue.isBusy('a')).toBe(false);
});

it('writes names and tokens into the configuration of nats-server as texts', () => {
  const config = natsConfig(
    { port: 4222, teams: [{ team: '123', account: '123-ab', token: 'a"b\\', active: true }] },
    '/store',
  );
  expect(config).toContain('listen: "127.0.0.1:4222"');
  expect(config).toContain('"123-ab": { jetstream: enabled, users: [ { user: "123", password: "a\\"b\\\\" } ] }');
});

it('keeps its files from other users', async () => {
  await using folder = await temporaryFolder();
  const inner = join(folder.path, 'a', 'b');
  await ensurePrivateFolder(inner);
  await writePrivateFile(join(inner, 'file'), 'text');
  expect((await stat(inner)).mode & 0o777).toBe(0o700);
  expect((await stat(join(inner, 'file'))).mode & 0o777).toBe(0o600);
});

it('says what is wrong with the data directory', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'file');
  await writeFile(file, '');
  await expect(ensurePrivateFolder(join(file, 'data'))).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES', path: '/data' });
  expect(storageError('/data', denied).message).toBe('the data directory is not writable for this user: /data');
  await expect(crewErrors(() => Promise.reject(denied))).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  await expect(crewErrors(() => Promise.reject(new Error('x')))).rejects.toMatchObject({ code: 'RUNTIME_FAILED' });
});

it('takes only an existing folder as a workspace of the user', async () => {
  await using folder = await temporaryFolder();
  const paths = layout(join(folder.path, 'data'));
  const mine = join(folder.path, 'mine');
  const wrong = openWorkspace(paths, 'crew', mine);
  await expect(wrong).rejects.toMatchObject({ code: 'INVALID_TEAM', message: expect.stringContaining(mine) });
  await mkdir(mine);
  expect(await openWorkspace(paths, 'crew', mine)).toBe(mine);
  await expect(openWorkspace(paths, 'crew', 'relative')).rejects.toMatchObject({ code: 'INVALID_TEAM' });
  expect(await openWorkspace(paths, 'crew')).toBe(paths.workspace('crew'));
});
