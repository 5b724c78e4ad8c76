import { waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Host } from './host.ts';
import { processesWith } from './processes.ts';

interface Run {
  id: string;
  status: string;
  error: string;
  due_at: string;
  prompt_sent: string;
  response_received: string;
}

let host: Host;
let model: Host['model'];
let folder: Host['folder'];
let server: Host['server'];
let client: Host['client'];

beforeEach(async () => {
  host = await Host.start();
  ({ model, folder, server, client } = host);
});
afterEach(() => host[Symbol.asyncDispose]());

/** Each minute: the next one is never far away. */
function schedule(team_id: string, prompt: string): Promise<{ id: string }> {
  return client.call('POST', '/api/schedules', { name: 'minutely', team_id, prompt, cron_expression: '* * * * *' });
}

const runs = async (id: string) => (await client.call<{ data: Run[] }>('GET', `/api/schedules/${id}/runs`)).data;
/** The first run of the schedule, once it is as wanted. */
const firstRun = (id: string, what: string, is: (run: Run) => boolean) =>
  waitFor(
    what,
    async () => {
      const run = (await runs(id)).at(-1);
      return run && is(run) && run;
    },
    { timeoutMs: 120_000, intervalMs: 200 },
  );

test('a schedule deploys a stopped team, gets its answer, and stops the team', async () => {
  const team = await client.createTeam('alpha');
  const { id } = await schedule(team.id, 'good morning');
  const run = await firstRun(id, 'the run to end', ({ status }) => status !== 'running');
  expect(run).toMatchObject({ status: 'success', error: '', response_received: 'You said: good morning' });
  await client.call('PATCH', `/api/schedules/${id}/toggle`);
  await client.untilStatus(team.id, 'stopped');
  expect(processesWith(folder.path).filter(({ pid }) => pid !== server.pid)).toHaveLength(0);
});

test('kill -9 in the middle of a run: the next server takes its answer and stops the team', async () => {
  const team = await client.createTeam('alpha');
  const { id } = await schedule(team.id, 'slow');
  const hold = model.hold();
  await firstRun(id, 'the run to begin', () => true);
  await model.waitForRequest('the turn to reach the model', ({ userText }) => userText === 'slow');
  await client.call('PATCH', `/api/schedules/${id}/toggle`);
  await server.end('SIGKILL');
  hold.release();
  server = await host.startServer();
  const run = await firstRun(id, 'the run to end', ({ status }) => status !== 'running');
  expect(run).toMatchObject({ status: 'success', response_received: 'You said: slow' });
  await client.untilStatus(team.id, 'stopped');
  expect((await client.messages(team.id)).filter(({ payload }) => payload.content === 'slow')).toHaveLength(1);
});

test('a webhook that waits returns what the model answers; two at once get their own answers', async () => {
  const team = await client.createTeam('alpha');
  await client.deploy(team.id);
  const { token } = await client.call<{ token: string }>('POST', '/api/webhooks', {
    name: 'hook',
    team_id: team.id,
    prompt_template: 'Hello {{name}}',
    max_concurrent: 2,
  });
  const call = (name: string) =>
    client.call<{ status: string; response: string }>('POST', `/webhook/trigger/${token}?wait=true`, {
      variables: { name },
    });
  const answers = await Promise.all([call('Ada'), call('Ben')]);
  expect(answers).toMatchObject([
    { status: 'success', response: 'You said: Hello Ada' },
    { status: 'success', response: 'You said: Hello Ben' },
  ]);
});

test('a webhook that waits returns what comes after a delegated task and an approval', async () => {
  const agents = ['lead', 'ada'].map((name, index) => ({ name, role: index === 0 ? 'leader' : 'worker' }));
  const team = await client.createTeam('alpha', { agents });
  await client.deploy(team.id);
  const task = JSON.stringify({ agent: 'ada', instruction: '!tool Bash {"command":"touch a","description":"test"}' });
  const { token } = await client.call<{ token: string }>('POST', '/api/webhooks', {
    name: 'hook',
    team_id: team.id,
    prompt_template: `!tool mcp__crew__delegate_task ${task}\n!also Bash {"command":"touch b","description":"test"}`,
  });
  const answer = client.call('POST', `/webhook/trigger/${token}?wait=true`);
  const decided = async () => {
    const first = await client.asked(team.id);
    await client.decide(team.id, first, { decision: 'allow' });
    await client.decide(team.id, await client.asked(team.id, [first]), { decision: 'allow' });
  };
  const [run] = await Promise.all([answer, decided()]);
  expect(run).toMatchObject({ status: 'success', response: expect.stringMatching(/^Done/) });
});

test('a run that takes too long is interrupted, and the next one is answered', async () => {
  const team = await client.createTeam('alpha');
  await client.deploy(team.id);
  const { webhook, token } = await client.call<{ token: string; webhook: { id: string } }>('POST', '/api/webhooks', {
    name: 'hook',
    team_id: team.id,
    prompt_template: '{{text}}',
    timeout_seconds: 3,
  });
  const call = (text: string) =>
    client.call<{ status: string; response?: string }>('POST', `/webhook/trigger/${token}?wait=true`, {
      variables: { text },
    });
  expect(await call('!hang')).toMatchObject({ status: 'timeout' });
  await client.call('PUT', `/api/webhooks/${webhook.id}`, { timeout_seconds: 60 });
  expect(await call('hello')).toMatchObject({ status: 'success', response: 'You said: hello' });
  const messages = await client.messages(team.id);
  expect(messages.map(({ payload }) => payload.status)).toContain('interrupted');
});
