import { waitFor } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { useServices } from './services.ts';
import { crewCall, delegate, Team } from './team.ts';

const services = useServices();

const startTeam = (...agents: string[]) => Team.start({ ...services.urls, agents });

function requestsWith(text: string) {
  return services.model.requests.filter(({ userText }) => userText?.includes(text));
}

/** Whether the model is asked to do a task of this text. */
function isTask(text: string) {
  return ({ userText }: { userText?: string }) =>
    userText?.startsWith('Task from lead') === true && userText.endsWith(`\n\n${text}`);
}

function taskAtWork(text: string) {
  return services.model.waitForRequest(`the task ${text}`, isTask(text));
}

test('a task goes to a teammate, its answer comes back, and all of it is on the bus', async () => {
  await using team = await startTeam('lead', 'ada');
  const id = await team.send('lead', delegate('ada', 'what is 6 × 7?\n!say 42', { expected_output: 'a number' }));
  expect(await team.reply(id)).toMatchObject({ status: 'completed', result: 'Done. 42' });
  const [task] = team.of('task_assignment');
  expect(task).toMatchObject({
    from: 'lead',
    to: 'ada',
    ref_message_id: id,
    context: { chain: ['lead'] },
    payload: { content: 'what is 6 × 7?\n!say 42', expected_output: 'a number', deadline: expect.any(String) },
  });
  expect(team.of('task_result')).toMatchObject([
    { from: 'ada', to: 'lead', ref_message_id: task?.message_id, payload: { status: 'completed', result: '42' } },
  ]);
  const [asked] = requestsWith('what is 6 × 7?\n!say 42\n\nExpected output: a number');
  expect(asked?.userText).toContain('Task from lead');
});

test('the roster, a question, a name nobody has and input that is not valid', async () => {
  await using team = await startTeam('lead', 'ada', 'ben');
  const roster = await team.reply(await team.send('lead', crewCall('list_teammates', {})));
  expect(roster.result).toBe('Done. - ada, worker — all ada\n- ben, worker — all ben');
  const question = crewCall('ask_teammate', { agent: 'ADA', question: '!say blue' });
  expect(await team.reply(await team.send('lead', question))).toMatchObject({ result: 'Done. blue' });
  expect(team.of('question')).toMatchObject([{ from: 'lead', to: 'ada', payload: { content: '!say blue' } }]);
  const unknown = await team.reply(await team.send('lead', delegate('eve', 'x')));
  expect(unknown.result).toContain('you have no teammate eve; your teammates are: ada, ben');
  const invalid = await team.reply(await team.send('lead', delegate('ada', 'x', { deadline_seconds: 99_999 })));
  expect(invalid.result).toContain('deadline_seconds');
  expect(team.of('task_assignment')).toEqual([]);
});

test('a teammate that fails says why', async () => {
  await using team = await startTeam('lead', 'ada');
  const id = await team.send('lead', delegate('ada', '!fail 400 x20'));
  expect((await team.reply(id)).result).toMatch(/ada failed \(TURN_FAILED\)/);
});

test('several teammates work at the same time', async () => {
  await using team = await startTeam('lead', 'ada', 'ben', 'cyd');
  const hold = services.model.hold();
  const calls = ['ada', 'ben', 'cyd'].map((agent, index) =>
    crewCall('delegate_task', { agent, instruction: `!say from ${agent}` }, index === 0 ? 'tool' : 'also'),
  );
  const sent = team.send('lead', calls.join('\n'));
  await services.model.waitForRequest('the turn', ({ userText }) => userText === calls.join('\n'));
  hold.release();
  const workers = services.model.hold();
  await Promise.all(['ada', 'ben', 'cyd'].map((agent) => taskAtWork(`!say from ${agent}`)));
  workers.release();
  const { result } = await team.reply(await sent);
  expect(String(result).replace('Done. ', '').split('\n').sort()).toEqual(['from ada', 'from ben', 'from cyd']);
});

test('a circle is refused at once, also over several agents', async () => {
  await using team = await startTeam('lead', 'ada', 'ben');
  const self = await team.reply(await team.send('lead', delegate('lead', 'x')));
  expect(self.result).toMatch(/no teammate lead/);
  const back = delegate('ada', delegate('ben', 'X').replace('"X"', JSON.stringify(delegate('lead', 'deepest'))));
  const { result } = await team.reply(await team.send('lead', back));
  expect(result).toMatch(/DELEGATION_REFUSED: lead waits for your answer \(lead → ada → ben\)/);
  expect(team.of('task_assignment').map(({ from, to }) => `${from}→${to}`)).toEqual(['lead→ada', 'ada→ben']);
});

test('two agents that are asked by different people do not wait for each other', async () => {
  await using team = await startTeam('lead', 'ada', 'ben');
  const hold = services.model.hold();
  const [one, two] = [delegate('ben', '!say for ada'), delegate('ada', '!say for ben')];
  const ids = await Promise.all([team.send('ada', one), team.send('ben', two)]);
  await waitFor('both at work', () => [one, two].every((text) => requestsWith(text).length > 0), { timeoutMs: 60_000 });
  hold.release();
  const results = (await Promise.all(ids.map((id) => team.reply(id)))).map(({ result }) => String(result));
  expect(results.some((text) => text.includes('DELEGATION_REFUSED'))).toBe(true);
});

test('after the deadline the task is a failure, and the teammate stops working on it', async () => {
  await using team = await startTeam('lead', 'ada');
  await team.warm();
  const id = await team.send('lead', delegate('ada', '!hang', { deadline_seconds: 2 }));
  expect((await team.reply(id)).result).toMatch(/DEADLINE_PASSED/);
  const [task] = team.of('task_assignment');
  expect(await team.reply(task?.message_id ?? '')).toMatchObject({ status: 'failed', code: 'DEADLINE_PASSED' });
  expect(await team.reply(await team.send('ada', '!say free again'))).toMatchObject({ result: 'free again' });
});

test('a task that comes after its deadline is not begun', async () => {
  await using team = await startTeam('lead', 'ada');
  const payload = { content: '!say too late', deadline: new Date(Date.now() - 1000).toISOString() };
  const id = await team.send('ada', '', { type: 'task_assignment', from: 'lead', payload });
  expect(await team.reply(id)).toMatchObject({ status: 'failed', code: 'DEADLINE_PASSED' });
  expect(requestsWith('!say too late')).toEqual([]);
});

test('when the turn that gave it is interrupted, the task is cancelled', async () => {
  await using team = await startTeam('lead', 'ada');
  const id = await team.send('lead', delegate('ada', '!hang'));
  const task = await team.seen('task_assignment');
  await taskAtWork('!hang');
  await team.control('lead', { type: 'interrupt' });
  expect(await team.reply(id)).toMatchObject({ status: 'interrupted' });
  expect(await team.reply(task.message_id)).toMatchObject({ status: 'interrupted' });
});

test('a teammate killed in the middle goes on, and its answer still arrives', async () => {
  await using team = await startTeam('lead', 'ada');
  const hold = services.model.hold();
  const text = delegate('ada', '!say survived it');
  const id = await team.send('lead', text);
  await services.model.waitForRequest('the turn', ({ userText }) => userText === text);
  hold.release();
  const second = services.model.hold();
  await taskAtWork('!say survived it');
  await team.end('ada', 'SIGKILL');
  team.run('ada');
  await waitFor('the task again', () => services.model.requests.filter(isTask('!say survived it')).length >= 2, {
    timeoutMs: 60_000,
  });
  second.release();
  expect(await team.reply(id)).toMatchObject({ result: 'Done. survived it' });
  expect(team.of('task_assignment')).toHaveLength(1);
});

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'an agent ended by %s while it waits resumes its turn, and the same task again gets the first answer',
  async (signal) => {
    await using team = await startTeam('lead', 'ada');
    const text = delegate('ada', `!say only once ${signal}`);
    const hold = services.model.hold();
    const id = await team.send('lead', text);
    await services.model.waitForRequest('the turn', ({ userText }) => userText === text);
    hold.release();
    const second = services.model.hold();
    await taskAtWork(`!say only once ${signal}`);
    await team.end('lead', signal);
    second.release();
    const task = await team.seen('task_assignment');
    await team.reply(task.message_id);
    team.run('lead');
    expect(await team.reply(id)).toMatchObject({
      status: 'completed',
      result: expect.stringContaining(`only once ${signal}`),
    });
    expect(team.of('task_assignment')).toHaveLength(1);
    expect(services.model.requests.filter(isTask(`!say only once ${signal}`))).toHaveLength(1);
  },
);

test('what is shared costs no turn, and stands before the next one', async () => {
  await using team = await startTeam('lead', 'ada', 'ben');
  const both = `${crewCall('share_context', { to: 'ada', content: 'the port is 8080' })}\n${crewCall('broadcast', { content: 'we use tabs' })}`;
  expect((await team.reply(await team.send('lead', both))).result).toBe('Done. Shared with ada, ben.');
  expect(team.of('context_share').map(({ from, to, payload }) => [from, to, payload.content])).toEqual([
    ['lead', 'ada', 'the port is 8080'],
    ['lead', 'ada', 'we use tabs'],
    ['lead', 'ben', 'we use tabs'],
  ]);
  expect(team.of('task_result')).toEqual([]);
  const before = services.model.requests.length;
  await team.reply(await team.send('ada', '!say got it'));
  const asked = JSON.stringify(
    services.model.requests.slice(before).find(({ userText }) => userText === '!say got it')?.body,
  );
  expect(asked).toContain('From lead:\\nthe port is 8080\\n\\nFrom lead:\\nwe use tabs');
});

test('who may use no tool at all cannot talk to the team', async () => {
  const options = {
    ...services.urls,
    agents: ['lead', 'ada'],
    permissions: { allowed_tools: [] },
  };
  await using team = await Team.start(options);
  await team.reply(await team.send('lead', delegate('ada', '!say no')));
  expect(team.of('task_assignment')).toEqual([]);
});
