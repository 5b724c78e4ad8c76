import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, waitFor } from '@agentcrew/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client, type Team } from '../../api/test/end-to-end/client.ts';
import { endAll, start } from './server.ts';

let url: string;
let client: Client;
let server: ReturnType<typeof start>;
let teams = 0;

beforeAll(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  client = new Client(url);
  server = start(`127.0.0.1:${port}`, { POST_ACTION_ALLOW_PRIVATE: '127.0.0.1' });
  await waitFor('the server', () => client.call('GET', '/health'));
});

afterAll(async () => {
  server.child.kill('SIGTERM');
  await server.ended;
  endAll();
});

/** A running team of `lead` and `worker`. */
async function deployed(extra: object = {}, leader: object = {}): Promise<Team> {
  teams += 1;
  const { id } = await client.createTeam(`team-${teams}`, extra, leader);
  return client.deploy(id);
}

const leaderOf = ({ id, agents }: Team) => `/api/teams/${id}/agents/${agents[0]?.id}`;

interface Row {
  message_type: string;
  from_agent: string;
  to_agent: string;
  payload: Record<string, unknown>;
}

function rows({ id }: Team, type: string): Promise<Row[]> {
  return client.call<Row[]>('GET', `/api/teams/${id}/activity?after=0&types=${type}`);
}

/** What the agent answers to a message that it thinks about for a millisecond. */
async function ask({ id }: Team, text: string) {
  const { message_id } = await client.chat(id, `!delay 1\n${text}`);
  return (await client.reply(id, message_id)).payload;
}

test('a message is answered, with usage and activity', async () => {
  const team = await deployed();
  expect(await ask(team, '!think hm\n!say hello')).toMatchObject({
    status: 'completed',
    result: 'hello',
    cost_usd: 0.001,
  });
  expect(await ask(team, 'hello')).toMatchObject({ result: 'You said: !delay 1\nhello' });
  expect(await client.team(team.id)).toMatchObject({ usage: { turns: 2 } });
  const events = (await rows(team, 'activity_event')).map(({ payload }) => payload.event_type);
  expect(events).toEqual(['reasoning', 'assistant', 'assistant']);
});

test('a turn fails as it is told to', async () => {
  const team = await deployed();
  expect(await ask(team, '!fail 529')).toMatchObject({ status: 'failed', code: 'MODEL_UNAVAILABLE' });
  expect(await ask(team, '!tool Bash {"command"')).toMatchObject({ status: 'failed', code: 'TURN_FAILED' });
});

test('a file comes with its message, and is listed and downloaded; it stays until the team is deleted', async () => {
  const team = await deployed();
  const form = new FormData();
  form.set('message', 'read this');
  form.set('files', new File(['some text'], 'a note.txt', { type: 'text/plain' }));
  const answer = await fetch(`${url}/api/teams/${team.id}/chat`, { method: 'POST', body: form });
  expect(answer.status).toBe(200);
  const file = {
    name: 'a note.txt',
    size: 9,
    type: 'text/plain',
    path: expect.stringMatching(/\/uploads\/\d+_a_note\.txt$/),
  };
  expect(await answer.json()).toMatchObject({ status: 'queued', files: [file] });
  expect((await client.messages(team.id)).at(-1)?.payload).toMatchObject({ content: 'read this', files: [file] });

  await client.call('POST', `/api/teams/${team.id}/stop`);
  await client.deploy(team.id);
  const { entries } = await client.call<{ entries: { name: string }[] }>(
    'GET',
    `/api/teams/${team.id}/files?path=uploads`,
  );
  expect(entries).toMatchObject([{ type: 'file', size: 9 }]);
  const path = encodeURIComponent(`uploads/${entries[0]?.name}`);
  expect(await (await fetch(`${url}/api/teams/${team.id}/files/content?path=${path}`)).text()).toBe('some text');

  await client.call('POST', `/api/teams/${team.id}/stop`);
  await client.call('DELETE', `/api/teams/${team.id}`);
  const { id } = await client.createTeam(`team-${teams}`);
  await client.deploy(id);
  expect(await client.call('GET', `/api/teams/${id}/files`)).toMatchObject({ entries: [] });
});

test('the agent writes files', async () => {
  const team = await deployed();
  await ask(team, '!tool Write {"file_path": "docs/plan.md", "content": "1. go"}');
  const answer = await fetch(`${url}/api/teams/${team.id}/files/content?path=docs/plan.md`);
  expect(await answer.text()).toBe('1. go');
});

test('the agent writes nowhere else, whatever its permissions say', async () => {
  const team = await deployed({}, { permissions: { allowed_tools: ['Write'], filesystem_scope: '' } });
  const elsewhere = join(tmpdir(), `agentcrew-testserver-${randomUUID()}`);
  for (const file_path of [elsewhere, '../../elsewhere']) {
    const { result } = await ask(team, `!tool Write ${JSON.stringify({ file_path, content: 'x' })}`);
    expect(result).toContain('The test server writes to');
  }
  expect(existsSync(elsewhere)).toBe(false);
});

test('skills are installed, at deploy and while it runs, or are not', async () => {
  const repo_url = 'https://github.com/agentcrew/skills';
  const team = await deployed({}, { sub_agent_skills: [{ repo_url, skill_name: 'first' }] });
  const statuses = async () => (await client.call<{ skill_statuses: unknown }>('GET', leaderOf(team))).skill_statuses;
  const first = { name: `${repo_url}:first`, status: 'installed' };
  await waitFor('the skill', async () => JSON.stringify(await statuses()) === JSON.stringify([first]));

  const install = (skill_name: string) =>
    fetch(`${url}${leaderOf(team)}/skills/install`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ repo_url, skill_name }),
    });
  const second = await install('second');
  expect(second.status).toBe(200);
  expect(await second.json()).toMatchObject({
    output: expect.stringContaining('second'),
    updated_skills: [{ skill_name: 'first' }, { skill_name: 'second' }],
  });
  expect(await statuses()).toMatchObject([first, { status: 'installed' }]);
  const failing = await install('failing');
  expect(failing.status).toBe(500);
  expect(await failing.json()).toMatchObject({
    error: expect.stringContaining('No matching skills found for: failing'),
  });
  const told = (await rows(team, 'skill_status')).map(({ payload }) => payload.skills);
  // Before it may be one without skills, which an agent tells at its start.
  expect(told).toContainEqual([expect.objectContaining({ name: 'first', status: 'pending' })]);
});

test('MCP servers run, or fail', async () => {
  const team = await deployed();
  const server = (name: string) => ({ name, transport: 'http', url: 'https://mcp.example.org/' });
  for (const name of ['search', 'failing']) {
    await client.call('POST', `/api/teams/${team.id}/mcp/servers`, server(name));
  }
  await ask(team, 'hello');
  await waitFor('their states', async () => (await rows(team, 'mcp_status')).length > 0);
  expect(await client.team(team.id)).toMatchObject({
    mcp_statuses: [
      { name: 'search', status: 'running' },
      { name: 'failing', status: 'failed', error: expect.stringContaining('lead: ') },
    ],
  });
});

test('a person is asked about a call, and about a question', async () => {
  const team = await deployed(
    {},
    { permissions: { allowed_tools: ['Bash', 'AskUserQuestion'], ask_commands: ['npm *'] } },
  );
  const { message_id } = await client.chat(team.id, '!delay 1\n!tool Bash {"command": "npm test"}');
  const asked = await client.asked(team.id);
  expect(asked).toMatchObject({ agent: 'lead', type: 'tool', tool: 'Bash', input: { command: 'npm test' } });
  expect(await client.call('GET', `${leaderOf(team)}/status`)).toMatchObject({ state: 'waiting_for_approval' });
  await client.decide(team.id, asked, { decision: 'allow', scope: 'once' });
  expect((await client.reply(team.id, message_id)).payload).toMatchObject({ result: expect.stringContaining('Done.') });

  const question = { question: 'Which one?', options: [{ label: 'this' }, { label: 'that' }] };
  const second = await client.chat(
    team.id,
    `!delay 1\n!tool AskUserQuestion ${JSON.stringify({ questions: [question] })}`,
  );
  const approval = await client.asked(team.id);
  expect(approval).toMatchObject({ type: 'question', questions: [{ question: 'Which one?' }] });
  await client.decide(team.id, approval, { decision: 'allow', answers: { 'Which one?': 'that' } });
  expect((await client.reply(team.id, second.message_id)).payload.result).toContain('that');
});

test('a turn is interrupted; one that a restart cuts off is answered', async () => {
  const team = await deployed();
  const { message_id } = await client.chat(team.id, '!hang');
  const working = async () =>
    (await client.call<{ current_message_id: string }>('GET', `${leaderOf(team)}/status`)).current_message_id;
  await waitFor('the turn', async () => (await working()) === message_id);
  expect(await client.call('POST', `${leaderOf(team)}/interrupt`)).toEqual({ interrupted: true });
  expect((await client.reply(team.id, message_id)).payload).toMatchObject({ status: 'interrupted' });

  const second = await client.chat(team.id, 'hello');
  await waitFor('the turn', async () => (await working()) === second.message_id);
  await client.call('POST', `${leaderOf(team)}/restart`);
  expect((await client.reply(team.id, second.message_id)).payload).toMatchObject({ result: 'You said: hello' });
});

test('agents delegate', async () => {
  const team = await deployed();
  const task = { agent: 'worker', instruction: '!delay 1\n!say from the worker' };
  expect(await ask(team, `!tool mcp__crew__delegate_task ${JSON.stringify(task)}`)).toMatchObject({
    result: expect.stringContaining('from the worker'),
  });
  expect(await rows(team, 'task_assignment,task_result')).toMatchObject([
    { from_agent: 'lead', to_agent: 'worker' },
    { from_agent: 'worker', to_agent: 'lead', payload: { result: 'from the worker' } },
  ]);
});

test('a webhook waits for its answer, and its post-action is sent', async () => {
  const heard = Promise.withResolvers<string>();
  const sink = createServer((request, response) => {
    request.setEncoding('utf8').on('data', heard.resolve);
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(sink, 'listening');
  const { port } = sink.address() as AddressInfo;
  const team = await deployed();
  const { webhook, token } = await client.call<{ webhook: { id: string }; token: string }>('POST', '/api/webhooks', {
    name: 'hook',
    team_id: team.id,
    prompt_template: '!delay 1\n!say {{word}}',
  });
  const { id } = await client.call<{ id: string }>('POST', '/api/post-actions', {
    name: 'tell',
    method: 'POST',
    url: `http://127.0.0.1:${port}/`,
    body_template: '{"said": "{{response}}"}',
  });
  const binding = { trigger_type: 'webhook', trigger_id: webhook.id, trigger_on: 'any' };
  await client.call('POST', `/api/post-actions/${id}/bindings`, binding);
  const trigger = `/webhook/trigger/${token}?wait=true`;
  expect(await client.call('POST', trigger, { variables: { word: 'hello' } })).toMatchObject({
    status: 'success',
    response: 'hello',
  });
  expect(JSON.parse(await heard.promise)).toEqual({ said: 'hello' });
  sink.close();
});

test('activity and logs come over WebSockets', async () => {
  const team = await deployed();
  const socket = `${url.replace('http', 'ws')}/ws/teams/${team.id}`;
  const activity = new WebSocket(`${socket}/activity`);
  const logs = new WebSocket(`${socket}/logs/${team.agents[0]?.id}`);
  const frames: string[] = [];
  const lines: string[] = [];
  activity.onmessage = ({ data }) => frames.push(JSON.parse(data).message_type);
  logs.onmessage = ({ data }) => lines.push(JSON.parse(data).line);
  await Promise.all([once(activity, 'open'), once(logs, 'open')]);
  await ask(team, 'hello');
  await waitFor('the frames', () => frames.includes('user_message') && frames.includes('leader_response'));
  await waitFor('the lines', () => lines[0] === 'mock log output' && lines.some((line) => line.includes('turn ended')));
  const closed = once(logs, 'close');
  await client.call('POST', `/api/teams/${team.id}/stop`);
  await closed;
  activity.close();
});
