import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Host } from './host.ts';
import { processesWith } from './processes.ts';

const canary = 'sk-ant-canary-0123456789abcdef';

let host: Host;
let model: Host['model'];
let folder: Host['folder'];
let server: Host['server'];
let client: Host['client'];

beforeEach(async () => {
  host = await Host.start({ apiKey: canary });
  ({ model, folder, server, client } = host);
});
afterEach(() => host[Symbol.asyncDispose]());

const bash = { permissions: { allowed_tools: ['Bash', 'Write'], denied_commands: ['rm *'] } };

describe('a team on this host', () => {
  test('answers in order, one reply for each message', async () => {
    const team = await client.createTeam('alpha');
    await client.deploy(team.id);
    const sent = [];
    for (const text of ['one', 'two', 'three']) sent.push(await client.chat(team.id, text));
    const replies = [];
    for (const { message_id } of sent) replies.push(await client.reply(team.id, message_id));
    expect(replies.map(({ payload }) => payload.result)).toEqual(['You said: one', 'You said: two', 'You said: three']);
    expect(replies.map(({ seq }) => seq)).toEqual(replies.map(({ seq }) => seq).toSorted((a, b) => a - b));
    expect(new Set(replies.map(({ payload }) => payload.session_id)).size).toBe(1);
    const { usage } = await client.team(team.id);
    expect(usage.turns).toBe(3);
    expect(usage.cost_usd).toBeGreaterThan(0);
  });

  test('goes on with the Claude session after stop and deploy, and leaves nothing behind', async () => {
    const team = await client.createTeam('alpha');
    await client.deploy(team.id);
    const first = await client.reply(team.id, (await client.chat(team.id, 'one')).message_id);
    await client.call('POST', `/api/teams/${team.id}/stop`);
    expect(processesWith(folder.path).filter(({ pid }) => pid !== server.pid)).toEqual([]);
    await client.deploy(team.id);
    const second = await client.reply(team.id, (await client.chat(team.id, 'two')).message_id);
    expect(second.payload.session_id).toBe(first.payload.session_id);
  });

  test('a new agent with the name of a deleted one knows nothing of it', async () => {
    const team = await client.createTeam('alpha');
    await client.deploy(team.id);
    const first = await client.reply(team.id, (await client.chat(team.id, 'my word is xylophone')).message_id);
    await client.call('POST', `/api/teams/${team.id}/stop`);
    const state = join(folder.path, 'teams/alpha/agents/lead');
    const remembering = () => filesIn(state).filter((path) => readFileSync(path, 'latin1').includes('xylophone'));
    expect(remembering()).not.toEqual([]);
    await client.call('DELETE', `/api/teams/${team.id}/agents/${team.agents[0]?.id}`);
    await client.call('POST', `/api/teams/${team.id}/agents`, { name: 'lead', role: 'leader' });
    await client.deploy(team.id);
    const second = await client.reply(team.id, (await client.chat(team.id, 'what is my word?')).message_id);
    expect(second.payload.result).toBe('You said: what is my word?');
    expect(second.payload.session_id).not.toBe(first.payload.session_id);
    const asked = model.requests.filter(({ userText }) => userText === 'what is my word?');
    expect(asked.length).toBeGreaterThan(0);
    expect(JSON.stringify(asked.map(({ body }) => body))).not.toContain('xylophone');
    expect(remembering()).toEqual([]);
    expect(readFileSync(join(state, 'stdout.log'), 'utf8')).toMatch(/^.*the state of an agent that had this name/);
  });

  test('stop ends a running turn, and every accepted message has its answer', async () => {
    const team = await client.createTeam('alpha');
    await client.deploy(team.id);
    const running = await client.chat(team.id, '!hang');
    const waiting = await client.chat(team.id, 'later');
    await model.waitForRequest('the turn to reach the model', ({ userText }) => userText === '!hang');
    const stopped = await client.call<{ status: string }>('POST', `/api/teams/${team.id}/stop`);
    expect(stopped.status).toBe('stopped');
    expect((await client.reply(team.id, running.message_id)).payload.status).toBe('interrupted');
    expect((await client.reply(team.id, waiting.message_id)).payload).toMatchObject({
      status: 'failed',
      code: 'TEAM_STOPPED',
    });
  });

  test('an allowed tool runs, a denied one does not', async () => {
    const team = await client.createTeam('alpha', {}, bash);
    await client.deploy(team.id);
    const workspace = join(folder.path, 'teams/alpha/workspace');
    const text = (command: string) => `!tool Bash ${JSON.stringify({ command, description: 'test' })}`;
    await client.reply(team.id, (await client.chat(team.id, text('touch yes'))).message_id);
    await client.reply(team.id, (await client.chat(team.id, text('touch no && rm yes'))).message_id);
    expect(readdirSync(workspace)).toContain('yes');
    expect(readdirSync(workspace)).not.toContain('no');
  });

  test('the API key is in no file, log, answer, command line or environment', async () => {
    // Without a scope, so that it is not the gate that keeps the command from looking.
    const team = await client.createTeam('alpha', {}, { permissions: { ...bash.permissions, filesystem_scope: '' } });
    await client.deploy(team.id);
    const command =
      'env; cat /proc/$PPID/environ; cat /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n" | grep AGENTCREW';
    const { message_id } = await client.chat(team.id, `!tool Bash ${JSON.stringify({ command, description: 'test' })}`);
    const reply = await client.reply(team.id, message_id);
    expect(reply.payload.result).toContain('AGENTCREW_AGENT');
    expect(JSON.stringify(await client.call('GET', `/api/teams/${team.id}/activity`))).not.toContain(canary);
    expect(server.output()).not.toContain(canary);
    for (const { pid } of processesWith('AGENTCREW_AGENT=').filter(({ pid }) => pid !== server.pid)) {
      const seen = ['environ', 'cmdline'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'utf8')).join();
      expect(seen).not.toContain(canary);
    }
    await client.call('POST', `/api/teams/${team.id}/stop`);
    for (const path of filesIn(folder.path)) expect(readFileSync(path, 'latin1'), path).not.toContain(canary);
  });

  test('SIGTERM ends the server quickly; a new one adopts the agents with their processes', async () => {
    const team = await client.createTeam('alpha');
    await client.deploy(team.id);
    await client.reply(team.id, (await client.chat(team.id, 'hello')).message_id);
    const before = processesWith(`/${team.slug}/lead`).map(({ pid }) => pid);
    const began = performance.now();
    expect(await server.end('SIGTERM')).toBe(0);
    expect(performance.now() - began).toBeLessThan(10_000);
    server = await host.startServer();
    expect((await client.reply(team.id, (await client.chat(team.id, 'hello')).message_id)).payload.result).toBe(
      'You said: hello',
    );
    expect(processesWith(`/${team.slug}/lead`).map(({ pid }) => pid)).toEqual(expect.arrayContaining(before));
  });

  test('a deploy that was cut off by kill -9 is finished by the next start', async () => {
    const team = await client.createTeam('alpha');
    await client.call('POST', `/api/teams/${team.id}/deploy`);
    await server.end('SIGKILL');
    server = await host.startServer();
    await client.untilStatus(team.id, 'running');
    await client.reply(team.id, (await client.chat(team.id, 'hello')).message_id);
  });

  test('a stop that was cut off by kill -9 is finished by the next start', async () => {
    const team = await client.createTeam('alpha');
    await client.deploy(team.id);
    const { message_id } = await client.chat(team.id, '!hang');
    await model.waitForRequest('the turn to reach the model', ({ userText }) => userText === '!hang');
    const stopping = client.call('POST', `/api/teams/${team.id}/stop`).catch(() => 'cut off');
    // The agents say their last words before anything is torn down.
    await client.reply(team.id, message_id);
    await server.end('SIGKILL');
    await stopping;
    server = await host.startServer();
    await client.untilStatus(team.id, 'stopped');
    expect(processesWith(folder.path).filter(({ pid }) => pid !== server.pid)).toEqual([]);
  });

  test('a dead agent is shown, restarted, and answers what waited', async () => {
    const team = await client.createTeam('alpha');
    await client.deploy(team.id);
    const [sidecar] = processesWith(`/${team.slug}/lead`).filter(({ command }) => command.includes('sidecar'));
    process.kill(sidecar?.pid ?? 0, 'SIGKILL');
    const { message_id } = await client.chat(team.id, 'still there?');
    expect((await client.reply(team.id, message_id)).payload.result).toBe('You said: still there?');
    await client.untilWhole(team.id);
  });

  test('a frozen agent is shown, replaced, and answers what waited', async () => {
    await server.end('SIGTERM');
    server = await host.startServer({ AGENT_SILENCE_TIMEOUT: '5s' });
    const team = await client.createTeam('alpha');
    await client.deploy(team.id);
    const [sidecar] = processesWith(`/${team.slug}/lead`).filter(({ command }) => command.includes('sidecar'));
    process.kill(sidecar?.pid ?? 0, 'SIGSTOP');
    const { message_id } = await client.chat(team.id, 'still there?');
    await waitFor('the news', async () => (await client.team(team.id)).status_message.includes('does not answer'));
    expect((await client.reply(team.id, message_id)).payload.result).toBe('You said: still there?');
    await client.untilWhole(team.id);
  });

  test('a nats-server whose port was taken moves, and its agents follow', async () => {
    const team = await client.createTeam('alpha');
    await client.deploy(team.id);
    const nats = (name: string) => JSON.parse(readFileSync(join(folder.path, 'nats', name), 'utf8'));
    const { port: taken } = nats('teams.json');
    process.kill(nats('process.json').pid, 'SIGKILL');
    const intruder = createServer((socket) => socket.destroy());
    await waitFor('the port to be free', async () => {
      intruder.listen(taken, '127.0.0.1');
      const [failure] = await Promise.race([once(intruder, 'error'), once(intruder, 'listening')]);
      return failure === undefined;
    });
    const { message_id } = await client.chat(team.id, 'where are you?');
    expect((await client.reply(team.id, message_id)).payload.result).toBe('You said: where are you?');
    expect(nats('teams.json').port).not.toBe(taken);
    intruder.close();
  });

  test('a nats-server that dies during a deploy does not fail it', async () => {
    const team = await client.createTeam('alpha');
    await client.call('POST', `/api/teams/${team.id}/deploy`);
    const record = join(folder.path, 'nats/process.json');
    await waitFor('nats-server', () => existsSync(record) && processesWith(`/${team.slug}/lead`).length > 0);
    process.kill(JSON.parse(readFileSync(record, 'utf8')).pid, 'SIGKILL');
    await client.untilStatus(team.id, 'running');
  });

  test('a server killed in the middle of a turn stores its answer soon after the next start', async () => {
    const team = await client.createTeam('alpha');
    await client.deploy(team.id);
    const hold = model.hold();
    const { message_id } = await client.chat(team.id, 'slow');
    await model.waitForRequest('the turn to reach the model', ({ userText }) => userText === 'slow');
    await server.end('SIGKILL');
    hold.release();
    server = await host.startServer();
    expect((await client.reply(team.id, message_id, 15_000)).payload.result).toBe('You said: slow');
  });

  test('stop while deploying cancels the deploy', async () => {
    const team = await client.createTeam('alpha');
    await client.call('POST', `/api/teams/${team.id}/deploy`);
    const stopped = await client.call<{ status: string }>('POST', `/api/teams/${team.id}/stop`);
    expect(stopped.status).toBe('stopped');
    expect(processesWith(folder.path).filter(({ pid }) => pid !== server.pid)).toEqual([]);
  });
});

describe('a deploy that cannot work', () => {
  test('says what to set when there is no credential', async () => {
    await server.end('SIGTERM');
    server = await host.startServer({ ANTHROPIC_API_KEY: '' });
    const team = await client.createTeam('alpha');
    await client.call('POST', `/api/teams/${team.id}/deploy`);
    const { status_message } = await client.untilStatus(team.id, 'error');
    expect(status_message).toContain('ANTHROPIC_API_KEY');
    expect(processesWith(folder.path).filter(({ pid }) => pid !== server.pid)).toEqual([]);
  });

  test('says that nats-server was not found', async () => {
    await server.end('SIGTERM');
    server = await host.startServer({ NATS_SERVER: join(folder.path, 'no-such-nats-server') });
    const team = await client.createTeam('alpha');
    await client.call('POST', `/api/teams/${team.id}/deploy`);
    const { status_message } = await client.untilStatus(team.id, 'error');
    expect(status_message).toContain('nats-server');
  });
});

function filesIn(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .map((name) => join(path, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
}
