import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from '@agentcrew/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decide } from '../src/decide.ts';
import { defaultPermissions } from '../src/index.ts';

let folder: TemporaryFolder;
let scope: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  scope = join(folder.path, 'ws');
  for (const path of ['ws/src/deep', 'ws/packages/a/dist', 'outside/dist'])
    mkdirSync(join(folder.path, path), { recursive: true });
  writeFileSync(join(scope, 'file'), '');
  writeFileSync(join(folder.path, 'outside', 'secret'), '');
  symlinkSync(join(folder.path, 'outside'), join(scope, 'out'));
  symlinkSync(join(folder.path, 'outside', 'secret'), join(scope, 'leak.txt'));
  symlinkSync('src', join(scope, 'inner'));
});
afterAll(() => folder[Symbol.asyncDispose]());

const ask = (command: string) => {
  const permissions = { ...defaultPermissions('local', scope), ask_commands: [] };
  const place = { cwd: scope, home: join(folder.path, 'home') };
  return decide(permissions, { tool: 'Bash', input: { command }, ...place }).decision;
};

describe('links among the files of the scope', () => {
  test.each([
    'cat file',
    'echo x > inner/new',
    'rm -rf inner/deep/../x',
    'cat src/*',
    'rm -rf packages/*/dist',
    'rm -rf src/*/x',
    'cd src && echo x > deep/y',
    'cd inner/deep && echo x > ../y',
    'ln -s ../src/deep packages/link',
    'ln -s src link',
  ])('%j passes', (command) => {
    expect(ask(command)).toBe('allow');
  });

  test.each([
    'cat leak.txt',
    'cat *.txt',
    'cat l*',
    'for f in *.txt; do cat "$f"; done',
    'echo x > leak.txt',
    'echo x > out/new',
    'echo x > o*/new',
    'rm -rf out/*',
    'rm -rf */dist',
    'rm -rf ?ut/dist',
    'rm -rf [o]ut/dist',
    'cd out && rm x',
    'cd o* && rm x',
    'cp file out',
    'cd inner && echo x > ../../x',
    'ln -s out/secret x',
    'ln -s secret out/x',
    'tee src/deep/../../out/x < file',
    'git -C out clean -fdx',
    'd=out; rm "$d/secret"',
    'find out -delete',
    'tar xf a.tar -C out',
  ])('%j is denied', (command) => {
    expect(ask(command)).toBe('deny');
  });
});
