import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkWorkspacePath } from '@agentcrew/api/crew/workspace-path.ts';
import { type TemporaryFolder, temporaryFolder } from '@agentcrew/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

let folder: TemporaryFolder;
let root: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  root = join(folder.path, 'root');
  mkdirSync(join(root, 'in', '..hidden'), { recursive: true });
  mkdirSync(join(folder.path, 'rooted'));
  writeFileSync(join(root, 'file'), '');
  symlinkSync(folder.path, join(root, 'out'));
  symlinkSync(join(root, 'in'), join(root, 'link'));
  symlinkSync(root, join(folder.path, 'alias'));
});
afterAll(() => folder[Symbol.asyncDispose]());

test.each(['root', 'root/in', 'root/in/', 'root/link', 'root/in/..hidden', 'root/../root/in', 'alias/in'])(
  '%s lies under the root',
  (path) => {
    checkWorkspacePath(`${folder.path}/${path}`, ['/nowhere', root], 'local');
  },
);

test('a root may itself be a link', () => {
  checkWorkspacePath(join(root, 'in'), [join(folder.path, 'alias')], 'local');
});

test.each([
  ['..', 'must lie under'],
  ['root/out', 'must lie under'],
  ['root/out/rooted', 'must lie under'],
  ['rooted', 'must lie under'],
  ['root/..', 'must lie under'],
  ['root/absent', 'existing folder'],
  ['root/file', 'existing folder'],
])('%s does not', (path, rule) => {
  expect(() => checkWorkspacePath(`${folder.path}/${path}`, [root], 'local')).toThrow(
    expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringContaining(rule) }),
  );
});

test('a relative path is refused, and any path when there are no roots', () => {
  expect(() => checkWorkspacePath('root', [root], 'local')).toThrow('must be an absolute path');
  expect(() => checkWorkspacePath(root, [], 'local')).toThrow('WORKSPACE_ROOTS is not set');
});

test('no path at all is one on Kubernetes', () => {
  expect(() => checkWorkspacePath(root, [root], 'kubernetes')).toThrow(
    expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringContaining('the workspace is a volume') }),
  );
});
