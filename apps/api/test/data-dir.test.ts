import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { claimDataDir, encryptionKey, instanceId, jwtSecret, openDataDir } from '@agentcrew/api/data-dir.ts';
import { type TemporaryFolder, temporaryFolder } from '@agentcrew/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

test('the folder is made for the owner alone, with those above it', () => {
  const path = join(folder.path, 'a', 'b');
  openDataDir(path);
  openDataDir(path);
  expect(statSync(path).mode & 0o777).toBe(0o700);
});

test.each([
  ['is a file', (path: string) => writeFileSync(path, '')],
  ['lies below a file', (path: string) => writeFileSync(join(path, '..'), '')],
])('a folder that %s is told with its path', (_what, prepare) => {
  const parent = join(folder.path, 'parent');
  const path = join(parent, 'data');
  if (_what === 'is a file') mkdirSync(parent);
  prepare(path);
  expect(() => openDataDir(path)).toThrow(
    expect.objectContaining({ code: 'STORAGE_UNAVAILABLE', message: expect.stringContaining(path) }),
  );
});

test('the id of the installation is made once', () => {
  const id = instanceId(folder.path);
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(instanceId(folder.path)).toBe(id);
});

test.each([
  ['settings.key', encryptionKey],
  ['jwt.key', jwtSecret],
])('the key of %s is the configured one, else one that is made once and readable by the owner alone', (file, keyOf) => {
  expect(keyOf(folder.path, 'configured')).toBe('configured');
  const key = keyOf(folder.path, undefined);
  expect(key.length).toBeGreaterThan(40);
  expect(keyOf(folder.path, undefined)).toBe(key);
  expect(statSync(join(folder.path, file)).mode & 0o777).toBe(0o600);
});

test('a folder belongs to one server at a time', () => {
  const claim = claimDataDir(folder.path);
  expect(() => claimDataDir(folder.path)).toThrow(
    expect.objectContaining({ code: 'STORAGE_UNAVAILABLE', message: expect.stringContaining('another server') }),
  );
  claim[Symbol.dispose]();
  claimDataDir(folder.path)[Symbol.dispose]();
});
