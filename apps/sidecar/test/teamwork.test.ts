import { CrewError, type Teammate } from '@agentcrew/protocol';
import { temporaryFolder } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import type { TaskRequest } from '../src/crew/delegations.ts';
import { OpenTasks } from '../src/crew/open-tasks.ts';
import { findTeammate, refusal } from '../src/crew/refusal.ts';
import { SharedContext } from '../src/crew/shared-context.ts';
import { callCrewTool, crewTools } from '../src/crew/tools.ts';
import { warmUpAfterMs } from '../src/crew/warm-up.ts';
import { deadlineOf, readInput } from '../src/turns/input.ts';
import { message } from './fakes.ts';

const mate = (slug: string, more: Partial<Teammate> = {}): Teammate => ({
  slug,
  name: slug,
  role: 'worker',
  specialty: '',
  description: '',
  ...more,
});
const teammates = [mate('ada', { name: 'Ada L.', specialty: 'numbers' }), mate('ben')];

function tools(run: (request: TaskRequest) => Promise<string> = async () => 'done') {
  const requests: TaskRequest[] = [];
  const shared: string[][] = [];
  const delegations = {
    run: (request: TaskRequest) => {
      requests.push(request);
      return run(request);
    },
    share: async (to: string, content: string) => void shared.push([to, content]),
  };
  const call = (tool: string, input: unknown) =>
    callCrewTool({ teammates, delegations }, tool, input, AbortSignal.timeout(5_000));
  return { call, requests, shared };
}

test('what waits for answers may run at the same time', () => {
  const hints = crewTools().map(({ name, annotations }) => [name, annotations?.readOnlyHint]);
  expect(Object.fromEntries(hints)).toEqual({
    list_teammates: true,
    delegate_task: true,
    ask_teammate: true,
    share_context: false,
    broadcast: false,
  });
});

test('a task has a deadline, and goes to an agent by slug or name', async () => {
  const { call, requests } = tools();
  expect(await call('delegate_task', { agent: 'ada l.', instruction: ' add ' })).toEqual({ text: 'done' });
  await call('ask_teammate', { agent: 'ben', question: 'why?', deadline_seconds: 3 });
  expect(requests).toEqual([
    { type: 'task_assignment', agent: 'ada', content: 'add', deadlineSeconds: 600 },
    { type: 'question', agent: 'ben', content: 'why?', deadlineSeconds: 3 },
  ]);
});

test.each([
  ['delegate_task', { agent: 'eve', instruction: 'x' }, /no teammate eve; your teammates are: ada, ben/],
  ['delegate_task', { agent: 'ada' }, /instruction/],
  ['delegate_task', { agent: 'ada', instruction: '  ' }, /instruction/],
  ['delegate_task', { agent: 'ada', instruction: 'x'.repeat(100_001) }, /instruction/],
  ['delegate_task', { agent: 'ada', instruction: 'x', deadline_seconds: 0 }, /deadline_seconds/],
  ['delegate_task', { agent: 'ada', instruction: 'x', deadline_seconds: 3601 }, /deadline_seconds/],
  ['ask_teammate', undefined, /agent/],
  ['share_context', { to: 'nobody', content: 'x' }, /no teammate nobody/],
  ['broadcast', { content: '' }, /content/],
  ['dance', {}, /no tool dance/],
])('%s with %o is refused', async (tool, input, expected) => {
  const { call, requests, shared } = tools();
  expect(await call(tool, input)).toEqual({ isError: true, text: expect.stringMatching(expected) });
  expect([...requests, ...shared]).toEqual([]);
});

test('a failure is told with its code, a long answer is cut', async () => {
  const failing = tools(async () => {
    throw new CrewError('DEADLINE_PASSED', 'ada did not answer');
  });
  const input = { agent: 'ada', instruction: 'x' };
  expect(await failing.call('delegate_task', input)).toEqual({
    isError: true,
    text: 'DEADLINE_PASSED: ada did not answer',
  });
  const { text } = await tools(async () => 'x'.repeat(100_000)).call('delegate_task', input);
  expect(text.length).toBeLessThan(61_000);
});

test('what is shared goes to one or to all', async () => {
  const { call, shared } = tools();
  await call('share_context', { to: 'ben', content: 'a' });
  await call('share_context', { to: 'everyone', content: 'b' });
  await call('broadcast', { content: 'c' });
  expect(shared).toEqual([
    ['ben', 'a'],
    ['ada', 'b'],
    ['ben', 'b'],
    ['ada', 'c'],
    ['ben', 'c'],
  ]);
});

test.each([
  ['ada', ['lead'], undefined],
  ['lead', ['lead'], /yourself/],
  ['lead', ['lead', 'ada', 'ben'], /lead waits for your answer \(lead → ada → ben\)/],
  ['ada', ['lead', 'ada', 'ben'], /ada waits/],
  ['zoe', Array.from({ length: 32 }, (_, index) => `a${index}`), /32 agents wait/],
])('a task for %s from the last of %j', (target, chain, expected) => {
  const reason = refusal(target, chain);
  if (expected) expect(reason).toMatch(expected);
  else expect(reason).toBeUndefined();
});

test('a slug goes before a name', () => {
  const mates = [mate('x', { name: 'ada' }), mate('ada')];
  expect(findTeammate(mates, 'ada')?.slug).toBe('ada');
  expect(findTeammate(mates, 'nobody')).toBeUndefined();
});

test('shared context survives a restart, comes once, and again for the same message', async () => {
  await using folder = await temporaryFolder();
  const share = (id: string) => message(id, { from: 'lead', type: 'context_share' });
  const first = new SharedContext(folder.path);
  expect(first.before('m1')).toBeUndefined();
  first.add(share('c1'), 'one');
  first.add(share('c1'), 'one');
  const second = new SharedContext(folder.path);
  second.add(share('c2'), 'two');
  const text = 'Your teammates shared this with you:\n\nFrom lead:\none\n\nFrom lead:\ntwo';
  expect(second.before('m2')).toBe(text);
  second.add(share('c1'), 'one');
  second.add(share('c3'), 'three');
  expect(new SharedContext(folder.path).before('m2')).toBe(text);
  expect(second.before('m3')).toMatch(/you:\n\nFrom lead:\nthree$/);
  expect(second.before('m4')).toBeUndefined();
});

test('shared context is bounded: the oldest give way', async () => {
  await using folder = await temporaryFolder();
  const contexts = new SharedContext(folder.path);
  for (let index = 0; index < 60; index += 1) contexts.add(message(`c${index}`), `note ${index} ${'x'.repeat(5_000)}`);
  const text = contexts.before('m') ?? '';
  expect(text.length).toBeLessThan(110_000);
  expect(text).toContain('note 59');
  expect(text).not.toContain('note 0 ');
});

test('open tasks survive a restart; those of other turns are told apart', async () => {
  await using folder = await temporaryFolder();
  const task = (id: string, ref: string) => ({
    message_id: id,
    ref,
    agent: 'ada',
    digest: 'd',
    deadline: new Date().toISOString(),
  });
  const tasks = new OpenTasks(folder.path);
  tasks.save(task('t1', 'm1'));
  tasks.save(task('t2', 'm2'));
  tasks.save({ ...task('t1', 'm1'), sequence: 7 });
  const later = new OpenTasks(folder.path);
  expect(later.of('m1')).toMatchObject([{ message_id: 't1', sequence: 7 }]);
  expect(later.except('m1')).toMatchObject([{ message_id: 't2' }]);
  later.remove('t1');
  expect(new OpenTasks(folder.path).of('m1')).toEqual([]);
});

test('a task says who asks and what is expected; a person speaks alone', () => {
  const task = (payload: object) =>
    readInput(message('m', { type: 'task_assignment', from: 'lead', payload: { content: 'add', ...payload } }));
  expect(task({ expected_output: 'a sum' })).toEqual({
    kind: 'work',
    text: expect.stringMatching(/^Task from lead, .*:\n\nadd\n\nExpected output: a sum$/),
  });
  expect(task({ deadline: '2020-01-01T00:00:00.000Z' })).toMatchObject({ reason: { code: 'DEADLINE_PASSED' } });
  expect(task({ deadline: new Date(Date.now() + 60_000).toISOString() })).toMatchObject({ kind: 'work' });
  expect(readInput(message('m', { payload: { content: 'hi' } }))).toEqual({ kind: 'work', text: 'hi' });
  expect(
    deadlineOf(message('m', { payload: { content: 'hi', deadline: '2020-01-01T00:00:00.000Z' } })),
  ).toBeUndefined();
});

test('the leader is warmed up first, then the workers one after another', () => {
  const team = [mate('lead', { role: 'leader' }), mate('ada'), mate('ben'), mate('cyd')];
  const after = ({ slug, role }: Teammate) =>
    warmUpAfterMs({ role, agent: slug, teammates: team.filter((other) => other.slug !== slug) });
  expect(team.map(after)).toEqual([2_750, 3_750, 4_450, 5_150]);
});
