import { expect, test } from 'vitest';
import { decide } from '../src/decide.ts';
import { approvedBy, defaultPermissions, type Permissions } from '../src/index.ts';

const surroundings = { cwd: '/w', home: '/home/agent' };
const local = defaultPermissions('local', '/w');

function judge(rules: Partial<Permissions>, tool: string, input: Record<string, unknown>): string {
  return decide({ ...local, ...rules }, { tool, input, ...surroundings }).decision;
}

test.each([
  ['the very command', 'npm test', 'allow'],
  ['another argument', 'npm test x', 'ask'],
  ['another blank', 'npm  test', 'ask'],
  ['more after it', 'npm test; ls', 'ask'],
  ['what the approved text would match as a glob', 'git status x', 'ask'],
])('an approved command silences %s', (_what, command, expected) => {
  expect(judge({ approved_commands: ['npm test', 'git status *'] }, 'Bash', { command })).toBe(expected);
});

test.each([
  ['Bash', { command: 'rm -rf dist' }, { denied_commands: ['rm *'] }],
  ['Bash', { command: 'cat /etc/passwd' }, {}],
  ['Bash', { command: 'ls' }, { allowed_tools: ['Read'] }],
  ['Bash', { command: 'ls' }, { allowed_commands: ['git *'] }],
  ['Write', { file_path: '/etc/passwd', content: '' }, { ask_tools: ['Write'] }],
] as [string, Record<string, string>, Partial<Permissions>][])(
  'no approval lifts a denial: %s %j',
  (tool, input, rules) => {
    const approved = { approved_commands: [input.command ?? ''], approved_tools: [tool] };
    expect(judge({ ...rules, ...approved }, tool, input)).toBe('deny');
  },
);

test('a tool is approved by its name, Bash is not', () => {
  const file = { file_path: '/w/a', content: '' };
  const ask_tools = ['Write', 'mcp__x__y'];
  const allowed_tools = ['Write', 'Bash', 'mcp__x__*'];
  expect(judge({ allowed_tools, ask_tools }, 'Write', file)).toBe('ask');
  expect(judge({ allowed_tools, ask_tools, approved_tools: ['Write'] }, 'Write', file)).toBe('allow');
  expect(judge({ allowed_tools, ask_tools, approved_tools: ['mcp__x__y'] }, 'mcp__x__y', {})).toBe('allow');
  expect(judge({ approved_tools: ['Bash'] }, 'Bash', { command: 'ls' })).toBe('ask');
});

test("Claude's questions always go to a person", () => {
  for (const profile of [local, defaultPermissions('docker', '/w')]) {
    const approved = { ...profile, approved_tools: ['AskUserQuestion'] };
    expect(decide(approved, { tool: 'AskUserQuestion', input: {}, ...surroundings }).decision).toBe('ask');
  }
  expect(judge({ allowed_tools: ['Read'] }, 'AskUserQuestion', {})).toBe('deny');
});

test('an approval holds for the command, or for the tool', () => {
  expect(approvedBy({ tool: 'Bash', input: { command: 'ls' } })).toEqual({ approved_commands: ['ls'] });
  expect(approvedBy({ tool: 'Write', input: { file_path: 'a' } })).toEqual({ approved_tools: ['Write'] });
  expect(approvedBy({ tool: 'AskUserQuestion', input: {} })).toBeUndefined();
});
