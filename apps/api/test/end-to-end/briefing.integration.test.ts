import { freePort, type ScriptedModel, startScriptedModel, temporaryFolder, waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client } from './client.ts';
import { processesWith } from './processes.ts';
import { type Server, startServer } from './server.ts';

let model: ScriptedModel;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let server: Server;
let client: Client;

beforeEach(async () => {
  [model, folder] = await Promise.all([startScriptedModel(), temporaryFolder()]);
  const env = { ANTHROPIC_API_KEY: 'sk-test', ANTHROPIC_BASE_URL: model.url };
  server = await startServer({ dataDir: folder.path, port: await freePort(), env });
  client = new Client(server.url);
});

afterEach(async () => {
  const teams = await client.call<{ id: string }[]>('GET', '/api/teams').catch(() => []);
  for (const { id } of teams) await client.call('POST', `/api/teams/${id}/stop`).catch(() => undefined);
  await server.end('SIGTERM');
  await waitFor('all processes to end', () => processesWith(folder.path).length === 0);
  await folder[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
});

async function ask(teamId: string, text: string) {
  const { payload } = await client.reply(teamId, (await client.chat(teamId, text)).message_id);
  return payload;
}

/** What the model was told about itself when it was asked this. */
function systemFor(text: string): string {
  const request = model.requests.find(({ userText }) => userText === text);
  return JSON.stringify((request?.body as { system?: unknown } | undefined)?.system);
}

test('instructions that are changed between two turns are those of the second, in the same session', async () => {
  const team = await client.createTeam('alpha', {}, { instructions_md: 'Speak like a sailor.' });
  await client.deploy(team.id);
  const before = await ask(team.id, '!say one');
  const path = `/api/teams/${team.id}/agents/${team.agents[0]?.id}/instructions`;
  await client.call('PUT', path, { content: 'Speak like a lawyer.' });
  const after = await ask(team.id, '!say two');
  expect(systemFor('!say one')).toContain('Speak like a sailor.');
  expect(systemFor('!say two')).toContain('Speak like a lawyer.');
  expect(systemFor('!say two')).not.toContain('sailor');
  expect(after.session_id).toBe(before.session_id);

  await client.call('POST', `/api/teams/${team.id}/stop`);
  await client.call('PUT', path, { content: 'Speak like a sailor.' });
  await client.deploy(team.id);
  await ask(team.id, '!say three');
  expect(systemFor('!say three')).toContain('Speak like a sailor.');
});
