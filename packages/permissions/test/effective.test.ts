import { expect, test } from 'vitest';
import { decide } from '../src/decide.ts';
import {
  defaultPermissions,
  effectivePermissions,
  permissionsSchema,
  type RuntimeName,
  toolsFor,
} from '../src/index.ts';

test.each([null, undefined, {}])('%j means the default profile of the runtime', (stored) => {
  for (const runtime of ['docker', 'kubernetes', 'local', 'mock'] as const) {
    expect(effectivePermissions(stored, runtime, '/w')).toEqual(defaultPermissions(runtime, '/w'));
  }
});

test('on this host a person is asked about every command, in containers none is', () => {
  const local = defaultPermissions('local', '/w');
  expect(toolsFor(local)).toEqual(expect.arrayContaining(['Bash', 'Read', 'Write', 'Edit', 'Glob', 'Grep']));
  expect(toolsFor(local)).not.toContain('Agent');
  expect(local).toMatchObject({ ask_commands: ['*'], command_scopes: [] });
  const container = defaultPermissions('docker', '/workspace/');
  expect(toolsFor(container)).toEqual(expect.arrayContaining(['Bash', 'Agent', 'Read', 'Write']));
  expect(container).toMatchObject({ ask_commands: [], filesystem_scope: '/workspace', command_scopes: ['/tmp'] });
});

test.each(['docker', 'local'] as const)('approvals alone add to the default profile of %s', (runtime) => {
  const approved = { approved_commands: ['npm test'], approved_tools: ['WebFetch'] };
  expect(effectivePermissions(approved, runtime, '/w')).toEqual({ ...defaultPermissions(runtime, '/w'), ...approved });
  expect(effectivePermissions({ ...approved, denied_commands: [] }, runtime, '/w').allowed_tools).toEqual([]);
});

test.each([
  [[]],
  ['Bash'],
  [7],
  [true],
  [{ allowed_tools: 'Bash' }],
  [{ allowed_tools: ['Bash', 7] }],
  [{ allowed_tools: null }],
  [{ allowed_tools: ['Bash'], denied_commands: 'rm *' }],
  [{ allowed_tools: ['Bash'], filesystem_scope: ['/'] }],
  [{ allowed_tools: Array.from({ length: 501 }, () => 'Bash') }],
  [{ allowed_tools: ['Bash'], denied_commands: ['x'.repeat(1001)] }],
  [{ denied_commands: ['rm *'] }],
  [{ approved_tools: 'Bash' }],
  [{ approved_commands: ['x'.repeat(20_001)] }],
  [{ unknown: 1 }],
  [{ allowed_tools: [] }],
  [JSON.parse('{"__proto__": {"allowed_tools": ["Bash"]}}')],
])('%j allows nothing', (stored) => {
  expect(effectivePermissions(stored, 'docker', '/w').allowed_tools).toEqual([]);
});

test('what is stored is taken as it is, save for the tools of the team; unknown keys are ignored', () => {
  const stored = {
    allowed_tools: ['Read'],
    allowed_commands: ['ls'],
    denied_commands: ['rm *'],
    filesystem_scope: '/data',
    ask_tools: ['Write'],
    ask_commands: ['git push'],
    approval_timeout_seconds: 60,
    colour: 'blue',
  };
  expect(effectivePermissions(stored, 'local', '/w')).toEqual({
    allowed_tools: ['Read', 'mcp__crew__*'],
    allowed_commands: ['ls'],
    denied_commands: ['rm *'],
    filesystem_scope: '/data',
    command_scopes: [],
    read_scopes: [],
    ask_tools: ['Write'],
    ask_commands: ['git push'],
    approved_commands: [],
    approved_tools: [],
    approval_timeout_seconds: 60,
  });
  expect(permissionsSchema.parse(stored)).not.toHaveProperty('colour');
});

test('who may use any tool may talk to the team, and can be made to ask', () => {
  const call = { tool: 'mcp__crew__delegate_task', input: { agent: 'ada' }, cwd: '/w', home: '/h' };
  const decided = (stored: unknown) => decide(effectivePermissions(stored, 'docker', '/w'), call).decision;
  expect([{}, { allowed_tools: ['Read'] }, { allowed_tools: [] }, { denied_commands: ['x'] }].map(decided)).toEqual([
    'allow',
    'allow',
    'deny',
    'deny',
  ]);
  expect(decided({ allowed_tools: ['Read'], ask_tools: ['mcp__crew__delegate_task'] })).toBe('ask');
});

test.each([
  ['absent', undefined, '/w/team'],
  ['empty', '', ''],
  ['relative', 'src', '/w/team/src'],
  ['the workspace of containers', '/workspace', '/w/team'],
  ['below the workspace of containers', '/workspace/src', '/w/team/src'],
  ['only alike', '/workspacex', '/workspacex'],
  ['going up', '/workspace/../..', '/'],
] as [string, string | undefined, string][])('a scope that is %s', (_what, filesystem_scope, expected) => {
  const stored = { allowed_tools: ['Read'], filesystem_scope };
  expect(effectivePermissions(stored, 'local', '/w/team').filesystem_scope).toBe(expected);
});

test.each([
  [['Bash', 'Unknown', 'mcp__a__b'], ['Bash']],
  [['Task'], ['Agent']],
  [['Agent'], ['Agent']],
  [['TodoWrite'], ['TaskCreate', 'TaskGet', 'TaskList', 'TaskUpdate', 'TodoWrite']],
  [[], []],
])('%j offers %j', (allowed_tools, offered) => {
  const runtime: RuntimeName = 'docker';
  expect(toolsFor(effectivePermissions({ allowed_tools }, runtime, '/w'))).toEqual(offered);
});
