import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Message, Team } from './client.ts';
import { Host } from './host.ts';
import { processesWith } from './processes.ts';

const apiKey = 'sk-ant-canary-0123456789abcdef';

let host: Host;
let model: Host['model'];
let folder: Host['folder'];
let server: Host['server'];
let client: Host['client'];
let team: Team;

beforeEach(async () => {
  host = await Host.start({ apiKey, env: () => ({ RECONCILE_INTERVAL: '2s' }) });
  ({ model, folder, server, client } = host);
  // Without permissions of its own an agent of this host asks about every command.
  const created = await client.createTeam('gated');
  team = await client.deploy(created.id);
});
afterEach(async () => {
  for (const { pid } of sidecars()) process.kill(pid, 'SIGCONT');
  await host[Symbol.asyncDispose]();
});

const touch = (name: string) => `!tool Bash ${JSON.stringify({ command: `touch ${name}`, description: 'test' })}`;
const made = (name: string) => existsSync(join(folder.path, 'teams/gated/workspace', name));
const sidecars = () => processesWith(`/${team.slug}/lead`).filter(({ command }) => command.includes('sidecar'));
const leader = () => team.agents.find(({ slug }) => slug === 'lead')?.id ?? '';
const worker = () => team.agents.find(({ slug }) => slug === 'worker')?.id ?? '';
const chat = (text: string) => client.chat(team.id, text);
const answered = async (sent: { message_id: string }) => (await client.reply(team.id, sent.message_id)).payload;

/** What was told about approvals, oldest first. */
async function told(): Promise<(string | undefined)[]> {
  const rows = await client.call<Message[]>('GET', `/api/teams/${team.id}/activity?after=0&limit=200`);
  return rows
    .filter(({ message_type }) => message_type.startsWith('approval_'))
    .map(({ payload }) => payload.status ?? 'asked');
}

describe('an approval', () => {
  test('is asked for, given once, for always, and refused', async () => {
    const first = await chat(touch('a'));
    const approval = await client.asked(team.id);
    expect(approval).toMatchObject({ agent: 'lead', type: 'tool', tool: 'Bash', input: { command: 'touch a' } });
    expect(made('a')).toBe(false);
    expect(await client.decide(team.id, approval, { decision: 'allow' })).toMatchObject({
      status: 'allowed',
      delivered_at: expect.any(String),
    });
    await answered(first);
    expect(made('a')).toBe(true);
    await expect(client.decide(team.id, approval, { decision: 'deny' })).rejects.toThrow('APPROVAL_DECIDED');

    const second = await chat(`${touch('b')}\n${touch('b')}\n!say done`);
    const again = await client.asked(team.id);
    await client.decide(team.id, again, { decision: 'allow', scope: 'always' });
    expect(await answered(second)).toMatchObject({ result: 'done' });
    const third = await chat(touch('c'));
    const refused = await client.asked(team.id);
    await client.decide(team.id, refused, { decision: 'deny', message: 'not today' });
    expect((await answered(third)).result).toContain('not today');
    expect(made('c')).toBe(false);
    expect(await told()).toEqual(['asked', 'allowed', 'asked', 'allowed', 'asked', 'denied']);

    // The next process knows what is allowed for always, and still has the default profile.
    await client.call('POST', `/api/teams/${team.id}/agents/${leader()}/restart`);
    expect(await answered(await chat(`${touch('b')}\n!say again`))).toMatchObject({ result: 'again' });
    const last = await chat(touch('d'));
    await client.decide(team.id, await client.asked(team.id), { decision: 'deny' });
    await answered(last);
    expect(await client.approvals(team.id)).toHaveLength(4);
  });

  test('given after a kill -9 of the server goes through', async () => {
    const sent = await chat(touch('a'));
    const approval = await client.asked(team.id);
    await server.end('SIGKILL');
    server = await host.startServer();
    expect(await client.asked(team.id)).toEqual(approval);
    await client.decide(team.id, approval, { decision: 'allow' });
    expect((await answered(sent)).status).toBe('completed');
    expect(made('a')).toBe(true);
    expect(await told()).toEqual(['asked', 'allowed']);
  });

  test('given just before a kill -9 of the server is handed over by the next one', async () => {
    const sent = await chat(touch('a'));
    const approval = await client.asked(team.id);
    // The agent cannot hear it yet.
    for (const { pid } of sidecars()) process.kill(pid, 'SIGSTOP');
    expect(await client.decide(team.id, approval, { decision: 'allow' })).toMatchObject({ delivered_at: null });
    await server.end('SIGKILL');
    for (const { pid } of sidecars()) process.kill(pid, 'SIGCONT');
    server = await host.startServer();
    expect((await answered(sent)).status).toBe('completed');
    expect(made('a')).toBe(true);
    await waitFor('the delivery', async () => (await client.approvals(team.id))[0]?.delivered_at !== null);
  });

  test('survives a kill -9 of NATS', async () => {
    const sent = await chat(touch('a'));
    const approval = await client.asked(team.id);
    process.kill(JSON.parse(readFileSync(join(folder.path, 'nats/process.json'), 'utf8')).pid, 'SIGKILL');
    expect(await client.decide(team.id, approval, { decision: 'allow' })).toMatchObject({ status: 'allowed' });
    expect((await answered(sent)).status).toBe('completed');
    expect(made('a')).toBe(true);
    expect(await told()).toEqual(['asked', 'allowed']);
  });

  test('is asked again when NATS has lost it before the server saw it', async () => {
    await answered(await chat('warm up'));
    const slow = await chat(`!delay 3000\n${touch('a')}`);
    await server.end('SIGKILL');
    const nats = JSON.parse(readFileSync(join(folder.path, 'nats/process.json'), 'utf8'));
    const pending = join(folder.path, 'teams/gated/agents/lead/approvals.json');
    await waitFor('the question', () => readFileSync(pending, 'utf8') !== '[]', { timeoutMs: 60_000 });
    process.kill(nats.pid, 'SIGKILL');
    rmSync(join(folder.path, 'nats/store'), { recursive: true });
    server = await host.startServer();
    await client.decide(team.id, await client.asked(team.id), { decision: 'allow' });
    expect((await answered(slow)).status).toBe('completed');
    expect(made('a')).toBe(true);
  });

  test('is cancelled with its turn, with its team, and when its agent is killed', async () => {
    const interrupted = await chat(touch('a'));
    const first = await client.asked(team.id);
    await client.call('POST', `/api/teams/${team.id}/agents/${leader()}/interrupt`);
    expect((await answered(interrupted)).status).toBe('interrupted');
    await client.untilDecided(team.id, first, 'cancelled');
    await expect(client.decide(team.id, first, { decision: 'allow' })).rejects.toThrow('APPROVAL_DECIDED');

    const killed = await chat(`${touch('b')}\n${touch('c')}`);
    const second = await client.asked(team.id);
    for (const { pid } of sidecars()) process.kill(pid, 'SIGKILL');
    await client.untilDecided(team.id, second, 'cancelled');
    const third = await client.asked(team.id);
    // An agent that is still being brought up is not asked to end its turn: the stop answers its messages.
    await client.untilWhole(team.id);
    await client.call('POST', `/api/teams/${team.id}/stop`);
    await client.untilDecided(team.id, third, 'cancelled');
    expect((await answered(killed)).status).toBe('interrupted');
    expect(await client.approvals(team.id, 'status=pending')).toEqual([]);
    expect([made('a'), made('b'), made('c')]).toEqual([false, false, false]);
  });

  test('of a question carries its answer', async () => {
    const options = ['Red', 'Blue'].map((label) => ({ label, description: label }));
    const questions = [{ question: 'Which color?', header: 'Color', multiSelect: false, options }];
    const sent = await chat(`!tool AskUserQuestion ${JSON.stringify({ questions })}`);
    const approval = await client.asked(team.id);
    expect(approval).toMatchObject({ type: 'question', questions });
    await expect(client.decide(team.id, approval, { decision: 'allow' })).rejects.toThrow('400');
    await client.decide(team.id, approval, { decision: 'allow', answers: { 'Which color?': 'Blue' } });
    expect((await answered(sent)).result).toContain('Blue');
  });
});

describe('control', () => {
  const status = (agent: string) => client.call('GET', `/api/teams/${team.id}/agents/${agent}/status`);

  test('an interrupt ends the turn within two seconds, and the queue goes on', async () => {
    expect(await client.call('POST', `/api/teams/${team.id}/interrupt`)).toEqual({ interrupted: 0, unreachable: [] });
    const running = await chat('!hang');
    const next = await chat('next');
    await model.waitForRequest('the turn to reach the model', ({ userText }) => userText === '!hang');
    expect(await status(leader())).toMatchObject({
      state: 'working',
      reachable: true,
      current_message_id: running.message_id,
      turn_started_at: expect.any(String),
      queue_length: 1,
    });
    const began = performance.now();
    expect(await client.call('POST', `/api/teams/${team.id}/interrupt`)).toEqual({ interrupted: 1, unreachable: [] });
    expect((await answered(running)).status).toBe('interrupted');
    expect(performance.now() - began).toBeLessThan(2_000);
    expect((await answered(next)).result).toBe('You said: next');
    expect(await client.call('POST', `/api/teams/${team.id}/agents/${leader()}/interrupt`)).toEqual({
      interrupted: false,
    });
    await waitFor('idle', async () => JSON.stringify(await status(leader())).includes('"state":"idle"'));
    expect(await status(leader())).toMatchObject({
      current_message_id: null,
      queue_length: 0,
      context: { tokens: expect.any(Number), window: expect.any(Number) },
      last_activity_at: expect.any(String),
      session_id: expect.any(String),
    });
  });

  test('the status tells who is waited for; the team goes on beside that', async () => {
    const sent = await chat(touch('a'));
    const approval = await client.asked(team.id);
    expect(await status(leader())).toMatchObject({ state: 'waiting_for_approval' });
    const hello = { message: 'hello', agent: 'Worker' };
    const direct = await client.call<{ message_id: string }>('POST', `/api/teams/${team.id}/chat`, hello);
    expect(await client.reply(team.id, direct.message_id)).toMatchObject({
      message_type: 'leader_response',
      from_agent: 'worker',
      payload: { result: 'You said: hello' },
    });
    for (const { pid } of sidecars()) process.kill(pid, 'SIGSTOP');
    expect(await status(leader())).toMatchObject({ state: 'waiting_for_approval', reachable: false });
    for (const { pid } of sidecars()) process.kill(pid, 'SIGCONT');
    await client.decide(team.id, approval, { decision: 'allow' });
    await answered(sent);
    expect(await status(worker())).toMatchObject({ state: 'idle' });
  });

  test('a restart in the middle of a turn: another process goes on, and answers once', async () => {
    const hold = model.hold();
    const sent = await chat('slow');
    await model.waitForRequest('the turn to reach the model', ({ userText }) => userText === 'slow');
    const before = sidecars().map(({ pid }) => pid);
    await client.call('POST', `/api/teams/${team.id}/agents/${leader()}/restart`);
    expect(await status(leader())).toMatchObject({ state: 'restarting' });
    await client.call('POST', `/api/teams/${team.id}/agents/${leader()}/restart`);
    hold.release();
    expect((await answered(sent)).result).toBe('You said: slow');
    await waitFor('the restart to end', async () => !JSON.stringify(await status(leader())).includes('restarting'));
    expect(sidecars()).toHaveLength(1);
    expect(sidecars().map(({ pid }) => pid)).not.toEqual(before);
    expect((await client.team(team.id)).status_message).toBe('');
    const replies = await client.messages(team.id, 'types=leader_response');
    expect(replies.filter(({ ref_message_id }) => ref_message_id === sent.message_id)).toHaveLength(1);
    await client.call('POST', `/api/teams/${team.id}/stop`);
    await expect(client.call('POST', `/api/teams/${team.id}/agents/${leader()}/restart`)).rejects.toThrow('409');
    expect(await status(leader())).toMatchObject({ state: 'stopped', reachable: false });
  });
});
