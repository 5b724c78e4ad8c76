import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from '@agentcrew/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isInScope, isPatternInScope } from '../src/paths.ts';

let folder: TemporaryFolder;
let scope: string;
let outside: string;
let surroundings: { cwd: string; home: string };

beforeAll(async () => {
  folder = await temporaryFolder();
  scope = join(folder.path, 'ws');
  outside = join(folder.path, 'outside');
  surroundings = { cwd: scope, home: join(folder.path, 'home') };
  for (const path of ['ws/src/deep', 'wsx', 'outside/sub', 'home/.ssh'])
    mkdirSync(join(folder.path, path), { recursive: true });
  writeFileSync(join(scope, 'file'), '');
  writeFileSync(join(outside, 'secret'), '');
  symlinkSync(outside, join(scope, 'out'));
  symlinkSync(join(outside, 'secret'), join(scope, 'leak'));
  symlinkSync('../outside/new', join(scope, 'dangling'));
  symlinkSync('dangling', join(scope, 'chained'));
  symlinkSync('src', join(scope, 'inner'));
  symlinkSync(join(outside, 'sub'), join(scope, 'up'));
  symlinkSync('loop', join(scope, 'loop'));
  symlinkSync(scope, join(folder.path, 'alias'));
});
afterAll(() => folder[Symbol.asyncDispose]());

/** `<ws>`, `<out>` and `<tmp>` stand for the folders of this test. */
const placed = (path: string) =>
  path.replaceAll('<ws>', scope).replaceAll('<out>', outside).replaceAll('<tmp>', folder.path);

describe('paths', () => {
  test.each([
    '<ws>',
    '<ws>/',
    '<ws>/file',
    '<ws>/not/there/yet',
    'file',
    './file',
    'src/../file',
    'src/deep/../../file',
    '  <ws>/file\n',
    '\u00a0\ufefffile',
    'inner/new',
    '<tmp>/alias/file',
    '<out>/../ws/file',
    '..file',
    'a..b/c',
    '~user',
    '$HOME/.ssh',
    'file with blanks',
  ])('%j is in scope', (path) => {
    expect(isInScope(placed(path), scope, surroundings)).toBe(true);
  });

  test.each([
    '',
    '   ',
    '/',
    '/etc/passwd',
    '<tmp>',
    '<tmp>/wsx/file',
    '<tmp>/wsx',
    '..',
    '../outside/secret',
    '<ws>/../outside/secret',
    'src/../../outside/secret',
    ' /etc/passwd',
    '\u00a0/etc/passwd',
    '\ufeff~/.ssh/id',
    '~',
    '~/.ssh',
    ' ~/.ssh/id',
    'out/secret',
    'out/not/there/yet',
    'leak',
    'dangling',
    'chained',
    'dangling/file',
    'inner/../../outside/secret',
    'up/../secret',
    'out/../file',
    'loop',
    'loop/x',
    'file/below-a-file',
    'nul\0byte',
    'x'.repeat(300),
    'x/'.repeat(3000),
  ])('%j is not', (path) => {
    expect(isInScope(placed(path), scope, surroundings)).toBe(false);
  });

  test('a scope that is a link, or the whole file system, or not there', () => {
    expect(isInScope(join(scope, 'file'), join(folder.path, 'alias'), surroundings)).toBe(true);
    expect(isInScope('/etc/passwd', '/', surroundings)).toBe(true);
    expect(isInScope(join(scope, 'later', 'x'), join(scope, 'later'), surroundings)).toBe(true);
    expect(isInScope(join(scope, 'x'), join(scope, 'later'), surroundings)).toBe(false);
  });
});

describe('Glob patterns', () => {
  test.each([
    '*',
    '**/*.ts',
    'src/**',
    './src/*.{ts,tsx}',
    '<ws>/**',
    'file',
    'src/../*.md',
    '{a,b}/*',
    '..*',
    'a..b*',
    'x/[.]*',
  ])('%j is in scope', (pattern) => {
    expect(isPatternInScope(placed(pattern), scope, scope, surroundings)).toBe(true);
  });

  test.each([
    '/*',
    '/etc/*',
    ' /etc/*',
    '<tmp>/*',
    '<tmp>/ws*/*',
    '../*',
    '../outside/*',
    '~/*',
    '~/.ssh/*',
    'out/*',
    'src/../../*',
    '*/../../outside/*',
    '**/..',
    '{..,src}/*',
    '{src,..}/*',
    '*/\\.\\./\\.\\./*',
    '{/etc,src}/*',
    '{src,/etc}/*',
    '{src,~/.ssh}/*',
  ])('%j is not', (pattern) => {
    expect(isPatternInScope(placed(pattern), scope, scope, surroundings)).toBe(false);
  });

  test('a pattern is seen from the folder that is searched', () => {
    expect(isPatternInScope('../*', 'src', scope, surroundings)).toBe(true);
    expect(isPatternInScope('../../*', 'src', scope, surroundings)).toBe(false);
  });
});
