import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from '@agentcrew/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decide } from '../src/decide.ts';
import { effectivePermissions, type StoredPermissions } from '../src/index.ts';

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
  symlinkSync('/etc', join(folder.path, 'link'));
});
afterAll(() => folder[Symbol.asyncDispose]());

const all = ['Bash', 'Read', 'Edit', 'Write', 'Glob', 'Grep', 'NotebookEdit', 'Agent', 'mcp__files__get'];

function ask(stored: StoredPermissions, tool: string, input: Record<string, unknown>) {
  const permissions = effectivePermissions(stored, 'docker', folder.path);
  return decide(permissions, { tool, input, cwd: folder.path, home: '/home/agent' });
}
const allowed = { decision: 'allow' };
const denied = (reason: string) => ({ decision: 'deny', reason: expect.stringContaining(reason) });
const asks = (reason: string) => ({ decision: 'ask', reason: expect.stringContaining(reason) });

test.each([
  ['a tool that is listed', { allowed_tools: ['Bash'] }, 'Bash', { command: 'ls' }, allowed],
  [
    'a tool that is not listed',
    { allowed_tools: ['Read'] },
    'Bash',
    { command: 'ls' },
    denied('tool not allowed: Bash'),
  ],
  ['an empty list of tools', { allowed_tools: [] }, 'Read', { file_path: 'x' }, denied('tool not allowed: Read')],
  ['no list of tools', { denied_commands: ['x'] }, 'Read', { file_path: 'x' }, denied('tool not allowed: Read')],
  ['a tool in another case', { allowed_tools: ['bash'] }, 'Bash', { command: 'ls' }, denied('tool not allowed')],
  ['a star in the list of tools', { allowed_tools: ['*'] }, 'Bash', { command: 'ls' }, denied('tool not allowed')],
  ['Task where Agent is listed', { allowed_tools: ['Agent'] }, 'Task', { prompt: 'x' }, allowed],
  ['Agent where Task is listed', { allowed_tools: ['Task'] }, 'Agent', { prompt: 'x' }, allowed],
  ['a tool named like a property', { allowed_tools: all }, 'constructor', {}, denied('tool not allowed')],
  [
    'a denied command',
    { allowed_tools: all, denied_commands: ['rm *'] },
    'Bash',
    { command: 'rm x' },
    denied('command denied'),
  ],
  [
    'a command that is denied and allowed',
    { allowed_tools: all, denied_commands: ['rm *'], allowed_commands: ['rm *'] },
    'Bash',
    { command: 'rm x' },
    denied('command denied'),
  ],
  [
    'a command that is not allowed',
    { allowed_tools: all, allowed_commands: ['ls'] },
    'Bash',
    { command: 'id' },
    denied('command not allowed'),
  ],
  [
    'the command of any tool',
    { allowed_tools: all, denied_commands: ['rm *'] },
    'mcp__files__get',
    { command: 'rm x' },
    denied('command denied'),
  ],
  ['a path in scope', { allowed_tools: all }, 'Read', { file_path: 'src/x' }, allowed],
  ['a path out of scope', { allowed_tools: all }, 'Read', { file_path: '/etc/passwd' }, denied('path outside of')],
  [
    'a path behind a link',
    { allowed_tools: all },
    'Write',
    { file_path: 'link/new', content: '' },
    denied('path outside of'),
  ],
  ['an empty path', { allowed_tools: all }, 'Read', { file_path: '' }, denied('path outside of')],
  [
    'a notebook out of scope',
    { allowed_tools: all },
    'NotebookEdit',
    { notebook_path: '/x.ipynb' },
    denied('path outside of'),
  ],
  ['a path among several', { allowed_tools: all }, 'Read', { file_path: 'x', path: '/etc' }, denied('path outside of')],
  ['the path of any tool', { allowed_tools: all }, 'mcp__files__get', { path: '/etc' }, denied('path outside of')],
  ['an empty scope', { allowed_tools: all, filesystem_scope: '' }, 'Read', { file_path: '/etc/passwd' }, allowed],
  [
    'a scope below the workspace',
    { allowed_tools: all, filesystem_scope: 'src' },
    'Read',
    { file_path: 'src/x' },
    allowed,
  ],
  [
    'a path beside that scope',
    { allowed_tools: all, filesystem_scope: 'src' },
    'Read',
    { file_path: 'x' },
    denied('path outside of'),
  ],
  ['a search of the scope', { allowed_tools: all }, 'Grep', { pattern: '/etc' }, allowed],
  [
    'a search out of scope',
    { allowed_tools: all },
    'Grep',
    { pattern: 'x', path: ' ~/.ssh' },
    denied('path outside of'),
  ],
  [
    'a search where cwd is out of scope',
    { allowed_tools: all, filesystem_scope: 'src' },
    'Grep',
    { pattern: 'x' },
    denied('path outside of'),
  ],
  ['a Glob in scope', { allowed_tools: all }, 'Glob', { pattern: '**/*.ts' }, allowed],
  ['an absolute Glob', { allowed_tools: all }, 'Glob', { pattern: '/etc/*', path: '.' }, denied('pattern outside of')],
  ['a Glob that goes up', { allowed_tools: all }, 'Glob', { pattern: '../*' }, denied('pattern outside of')],
  ['a path of another type', { allowed_tools: all }, 'Read', { file_path: ['x'] }, denied('file_path is not a text')],
  ['a null path', { allowed_tools: all }, 'Grep', { pattern: 'x', path: null }, denied('path is not a text')],
  ['a command of another type', { allowed_tools: all }, 'Bash', { command: { a: 1 } }, denied('command is not a text')],
  ['Bash without a command', { allowed_tools: all }, 'Bash', {}, denied('command is missing')],
  ['Read without a path', { allowed_tools: all }, 'Read', {}, denied('file_path is missing')],
  [
    'a prototype key',
    { allowed_tools: all },
    'Read',
    JSON.parse('{"file_path":"x","__proto__":{"a":1}}'),
    denied('__proto__'),
  ],
  ['a tool that a person has to approve', { allowed_tools: all, ask_tools: ['Agent'] }, 'Task', {}, asks('Task')],
  [
    'a command that a person has to approve',
    { allowed_tools: all, ask_commands: ['git push*'] },
    'Bash',
    { command: 'ls && git push' },
    asks('git push'),
  ],
  [
    'a command to ask about that is denied too',
    { allowed_tools: all, ask_commands: ['git push*'], denied_commands: ['git push*'] },
    'Bash',
    { command: 'git push' },
    denied('command denied'),
  ],
  [
    'a command to ask about that is not allowed',
    { allowed_tools: all, ask_commands: ['*'], allowed_commands: ['ls'] },
    'Bash',
    { command: 'id' },
    denied('command not allowed'),
  ],
  [
    'a command to ask about that leaves the scope',
    { allowed_tools: all, ask_commands: ['*'] },
    'Bash',
    { command: 'cat /etc/passwd' },
    denied('path outside of'),
  ],
  [
    'a tool to ask about that leaves the scope',
    { allowed_tools: all, ask_tools: ['Write'] },
    'Write',
    { file_path: '/etc/x', content: '' },
    denied('path outside of'),
  ],
  ['a tool of a listed server', { allowed_tools: ['mcp__crew__*'] }, 'mcp__crew__delegate_task', {}, allowed],
  ['a tool of another server', { allowed_tools: ['mcp__crew__*'] }, 'mcp__crewx__get', {}, denied('tool not allowed')],
  ['a server without a star', { allowed_tools: ['mcp__other'] }, 'mcp__other__get', {}, denied('tool not allowed')],
  ['a star behind another name', { allowed_tools: ['Ba*'] }, 'Bash', { command: 'ls' }, denied('tool not allowed')],
  [
    'a tool of a server to ask about',
    { allowed_tools: ['mcp__a__*'], ask_tools: ['mcp__a__*'] },
    'mcp__a__b',
    {},
    asks('mcp__a__b'),
  ],
] as [string, StoredPermissions, string, Record<string, unknown>, object][])(
  '%s',
  (_what, stored, tool, input, decision) => {
    expect(ask(stored, tool, input)).toEqual(decision);
  },
);

test.each([null, undefined, 'text', 7, [], { command: undefined }])(
  'an input of %j is denied, not an error',
  (input) => {
    expect(ask({ allowed_tools: all }, 'Bash', input as unknown as Record<string, unknown>)).toEqual(
      denied('unreadable input'),
    );
  },
);
