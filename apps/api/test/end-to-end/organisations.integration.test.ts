import { freePort, type ScriptedModel, startScriptedModel, temporaryFolder, waitFor } from '@agentcrew/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client } from './client.ts';
import { processesWith } from './processes.ts';
import { type Server, startServer } from './server.ts';

const names = ['one', 'two'] as const;
type Name = (typeof names)[number];

/** Each organisation has a model of its own, which takes no other's key. */
const models = new Map<Name, ScriptedModel>();
const tokens = new Map<Name, string>();
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let port: number;
let server: Server;

const keyOf = (name: Name) => `sk-ant-key-of-${name}-0123456789`;
const clientOf = (name: Name) => new Client(server.url, tokens.get(name));

function start(): Promise<Server> {
  const env = { AUTH_PROVIDER: 'local', MULTI_TENANT: 'true' };
  return startServer({ dataDir: folder.path, port, env });
}

beforeAll(async () => {
  for (const name of names) models.set(name, await startScriptedModel({ apiKey: keyOf(name) }));
  folder = await temporaryFolder();
  port = await freePort();
  server = await start();
});
afterAll(async () => {
  for (const name of names) {
    const teams = await clientOf(name).call<{ id: string }[]>('GET', '/api/teams');
    for (const { id } of teams) await clientOf(name).call('POST', `/api/teams/${id}/stop`);
  }
  await server.end('SIGTERM');
  await waitFor('all processes to end', () => processesWith(folder.path).length === 0);
  for (const model of models.values()) await model[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function settle(name: Name): Promise<void> {
  const registration = { org_name: name, name, email: `${name}@example.org`, password: 'Correct-Horse-1' };
  const made = await new Client(server.url).call<{ access_token: string }>('POST', '/api/auth/register', registration);
  tokens.set(name, made.access_token);
  const settings = { ANTHROPIC_API_KEY: keyOf(name), ANTHROPIC_BASE_URL: models.get(name)?.url, OWNER_OF_THIS: name };
  for (const [key, value] of Object.entries(settings))
    await clientOf(name).call('PUT', '/api/settings', { key, value });
}

async function ask(name: Name, id: string, message: string): Promise<string> {
  const { message_id } = await clientOf(name).chat(id, message);
  const { payload } = await clientOf(name).reply(id, message_id);
  return payload.result ?? payload.error ?? '';
}

test('teams of one name in two organisations work apart, each with what is its own', async () => {
  const teams = new Map<Name, string>();
  const leader = { permissions: { allowed_tools: ['Bash', 'Read'] } };
  for (const name of names) {
    await settle(name);
    teams.set(name, (await clientOf(name).createTeam('alpha', {}, leader)).id);
  }
  await Promise.all(names.map((name) => clientOf(name).deploy(teams.get(name) ?? '')));
  for (const name of names) {
    const id = teams.get(name) ?? '';
    const shown = await ask(name, id, '!tool Bash {"command": "echo $OWNER_OF_THIS > mine; cat mine; ls"}');
    expect(shown).not.toBe('');
    const activity = await clientOf(name).call<object[]>('GET', `/api/teams/${id}/activity?limit=200`);
    const other = name === 'one' ? 'two' : 'one';
    expect(JSON.stringify(activity)).toContain(`${name}\\nmine`);
    expect(JSON.stringify(activity)).not.toContain(`${other}\\nmine`);
    await expect(clientOf(other).team(id)).rejects.toThrow('404');
  }

  const { pid } = server;
  await server.end('SIGKILL');
  server = await start();
  expect(server.pid).not.toBe(pid);
  for (const name of names) {
    const id = teams.get(name) ?? '';
    expect((await clientOf(name).team(id)).status).toBe('running');
    expect(await ask(name, id, 'still there?')).toBe('You said: still there?');
  }
  expect(server.output()).not.toContain('nobody is asked');
});
