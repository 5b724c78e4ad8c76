import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from '@agentcrew/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decide } from '../src/decide.ts';
import { effectivePermissions } from '../src/index.ts';

let folder: TemporaryFolder;
let workspace: string;
let skills: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  workspace = join(folder.path, 'workspace');
  skills = join(folder.path, 'skills');
  for (const path of [workspace, skills, join(folder.path, 'secrets')]) mkdirSync(path);
  writeFileSync(join(skills, 'guide.md'), '');
  symlinkSync(join(folder.path, 'secrets'), join(skills, 'link'));
});
afterAll(() => folder[Symbol.asyncDispose]());

function ask(tool: string, input: Record<string, unknown>) {
  const stored = { allowed_tools: ['Bash', 'Read', 'Write', 'Edit', 'Glob', 'Grep'] };
  const permissions = { ...effectivePermissions(stored, 'local', workspace), read_scopes: [skills] };
  return decide(permissions, { tool, input, cwd: workspace, home: '/home/agent' }).decision;
}
const bash = (command: string) => ask('Bash', { command: command.replaceAll('SKILLS', skills) });

describe('a folder that may be read and not changed', () => {
  test('is open to tools that read, wherever its links do not lead out', () => {
    expect(ask('Read', { file_path: join(skills, 'guide.md') })).toBe('allow');
    expect(ask('Glob', { pattern: `${skills}/**/*.md` })).toBe('allow');
    expect(ask('Glob', { pattern: '**/*.md', path: skills })).toBe('allow');
    expect(ask('Grep', { pattern: 'x', path: skills })).toBe('allow');
    expect(ask('Read', { file_path: join(skills, 'link', 'key') })).toBe('deny');
    expect(ask('Read', { file_path: join(skills, '..', 'secrets', 'key') })).toBe('deny');
  });

  test('is closed to tools that write', () => {
    expect(ask('Write', { file_path: join(skills, 'guide.md') })).toBe('deny');
    expect(ask('Edit', { file_path: join(skills, 'guide.md') })).toBe('deny');
  });

  test.each([
    'cat SKILLS/guide.md',
    'grep -r x SKILLS',
    'cp SKILLS/guide.md .',
    'python3 SKILLS/run.py',
    'ls SKILLS/*.md',
  ])('is open to commands that read: %s', (command) => expect(bash(command)).toBe('allow'));

  test.each([
    'echo x > SKILLS/guide.md',
    'rm SKILLS/guide.md',
    'cp a SKILLS/guide.md',
    'mv SKILLS/guide.md .',
    'cd SKILLS && touch new',
    'sed -i s/a/b/ SKILLS/guide.md',
    'cat SKILLS/link/key',
    'cat SKILLS/../secrets/key',
  ])('is closed to commands that write, or lead out: %s', (command) => expect(bash(command)).toBe('deny'));
});
