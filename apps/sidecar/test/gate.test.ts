import { effectivePermissions, type StoredPermissions } from '@agentcrew/permissions';
import { expect, test } from 'vitest';
import { ApprovedCalls } from '../src/approvals/approved-calls.ts';
import type { Outcome } from '../src/approvals/broker.ts';
import type { Asked } from '../src/approvals/request.ts';
import { createGate } from '../src/gate.ts';

const never = new AbortController().signal;
const rules: StoredPermissions = {
  allowed_tools: ['Bash', 'Write', 'AskUserQuestion'],
  denied_commands: ['rm *'],
  ask_commands: ['git push*'],
  ask_tools: ['Write'],
  approval_timeout_seconds: 7,
};

function setUp(outcome: Outcome) {
  const asked: Asked[] = [];
  const activity: string[] = [];
  const state = { session: 's1', outcome, refused: undefined as string | undefined };
  const gate = createGate({
    permissions: effectivePermissions(rules, 'docker', '/w'),
    cwd: '/w',
    home: '/home/agent',
    broker: {
      ask: async (question) => {
        asked.push(question);
        return state.outcome;
      },
    },
    refuseAll: async () => state.refused,
    approved: new ApprovedCalls(() => state.session),
    tellActivity: ({ action }) => void activity.push(action),
  });
  const call = (tool: string, input: Record<string, unknown>) => gate({ requestId: 'r', tool, input }, never);
  const bash = (command: string) => call('Bash', { command });
  return { asked, activity, state, call, bash };
}

const allowed = (scope: 'once' | 'session' | 'always') => ({ status: 'allowed', scope }) as const;
const push = 'git push origin main';

test('a person is asked only where the permissions say so', async () => {
  const { bash, asked } = setUp(allowed('once'));
  expect(await bash('git status')).toEqual({ behavior: 'allow' });
  expect(await bash('rm x')).toMatchObject({ behavior: 'deny' });
  expect(asked).toEqual([]);
  expect(await bash(push)).toMatchObject({ behavior: 'allow' });
  expect(asked).toEqual([{ tool: 'Bash', input: { command: push }, reason: expect.any(String), timeoutSeconds: 7 }]);
});

test('once is once; a session lasts as long as it; always as long as the process', async () => {
  const { bash, asked, state } = setUp(allowed('once'));
  for (let count = 0; count < 2; count += 1) await bash(push);
  expect(asked).toHaveLength(2);
  state.outcome = allowed('session');
  for (let count = 0; count < 2; count += 1) await bash(push);
  expect(asked).toHaveLength(3);
  state.session = 's2';
  state.outcome = allowed('always');
  for (let count = 0; count < 2; count += 1) await bash(push);
  state.session = 's3';
  await bash(push);
  expect(asked).toHaveLength(4);
  await bash('git push --tags');
  expect(asked).toHaveLength(5);
});

test('a changed call runs as changed, unless the permissions deny it; that is what is remembered', async () => {
  const { bash, asked, state } = setUp({ ...allowed('session'), updatedInput: { command: 'git push --dry-run' } });
  expect(await bash(push)).toEqual({ behavior: 'allow', updatedInput: { command: 'git push --dry-run' } });
  await bash('git push --dry-run');
  expect(asked).toHaveLength(1);
  await bash(push);
  expect(asked).toHaveLength(2);
  state.outcome = { ...allowed('session'), updatedInput: { command: 'rm -rf x' } };
  expect(await bash(push)).toMatchObject({ behavior: 'deny', message: expect.stringContaining('rm') });
});

test('nobody is asked about a call that no tool may make now', async () => {
  const { bash, asked, state } = setUp(allowed('once'));
  state.refused = 'the budget is spent';
  expect(await bash(push)).toEqual({ behavior: 'deny', message: 'the budget is spent' });
  expect(asked).toEqual([]);
});

test('no answer is no; the live feed tells it, but not what nobody waits for', async () => {
  const { bash, activity, state } = setUp({ status: 'denied', message: 'a person said no: not today' });
  expect(await bash(push)).toEqual({ behavior: 'deny', message: 'a person said no: not today' });
  state.outcome = { status: 'expired', message: 'nobody answered within 7 s' };
  expect(await bash(push)).toMatchObject({ behavior: 'deny' });
  expect(activity).toHaveLength(2);
  state.outcome = { status: 'cancelled', message: 'gone' };
  expect(await bash(push)).toMatchObject({ behavior: 'deny' });
  expect(activity).toHaveLength(2);
});

test('a question is asked every time, however it was answered', async () => {
  const { call, asked } = setUp(allowed('always'));
  for (let count = 0; count < 2; count += 1) await call('AskUserQuestion', { questions: [] });
  expect(asked).toHaveLength(2);
  for (let count = 0; count < 2; count += 1) await call('Write', { file_path: '/w/a', content: '' });
  expect(asked).toHaveLength(3);
});
