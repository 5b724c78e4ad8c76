import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { echoMcpServer, waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Host } from './host.ts';
import { processesWith } from './processes.ts';

let host: Host;
let model: Host['model'];
let folder: Host['folder'];
let server: Host['server'];
let client: Host['client'];

beforeEach(async () => {
  host = await Host.start({
    apiKey: 'sk-canary-of-the-model',
    env: (folder) => ({ PATH: `${withFakeInstaller(join(folder, 'bin'))}:${process.env.PATH}` }),
  });
  ({ model, folder, server, client } = host);
});
afterEach(() => host[Symbol.asyncDispose]());

/** An `npx` that installs each skill by its name alone, but none called `broken`, and notes its environment. */
function withFakeInstaller(bin: string): string {
  mkdirSync(bin);
  const script = `#!/bin/sh
    env > "${bin}/environment"
    [ "$6" = broken ] && { echo "no skill called $6"; exit 1; }
    mkdir -p ".claude/skills/$6"
    printf -- '---\\ndescription: how to do %s\\n---\\nThe word is pineapple.\\n' "$6" > ".claude/skills/$6/SKILL.md"
  `;
  writeFileSync(join(bin, 'npx'), script);
  chmodSync(join(bin, 'npx'), 0o755);
  return bin;
}

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

test('an MCP server of the team: its tool is called, its state is told, its secret is in no log and in no file', async () => {
  const canary = `mcp-canary-${crypto.randomUUID()}`;
  const echo = { name: 'echo', transport: 'stdio', ...echoMcpServer, env: { TOKEN: canary } };
  const permissions = { allowed_tools: ['Bash', 'mcp__echo__*', 'mcp__late__*'] };
  const team = await client.createTeam('alpha', { mcp_servers: [echo] }, { permissions });
  await client.deploy(team.id);
  const statuses = async () =>
    (await client.call<{ mcp_statuses: unknown }>('GET', `/api/teams/${team.id}`)).mcp_statuses;
  // Claude Code is started ahead of the first message, and says how its servers are.
  await waitFor('the state', async () => (await statuses()) !== null, { timeoutMs: 60_000 });
  expect(await statuses()).toEqual([{ name: 'echo', status: 'running' }]);
  expect((await ask(team.id, '!tool mcp__echo__shout {"text":"hello"}')).result).toBe('Done. HELLO!');

  await client.call('POST', `/api/teams/${team.id}/mcp/servers`, { ...echo, name: 'late' });
  expect((await ask(team.id, '!tool mcp__late__shout {"text":"soon"}')).result).toBe('Done. SOON!');
  await client.call('DELETE', `/api/teams/${team.id}/mcp/servers/echo`);
  expect((await ask(team.id, '!tool mcp__echo__shout {"text":"hello"}')).result).toContain('No such tool');
  expect(await statuses()).toEqual([{ name: 'late', status: 'running' }]);

  const shown = JSON.stringify([await client.messages(team.id), await client.team(team.id)]);
  const programs = processesWith(folder.path).map(({ command }) => command);
  expect(JSON.stringify([shown, programs, server.output()])).not.toContain(canary);
  for (const file of filesUnder(folder.path))
    expect([file, readFileSync(file).includes(canary)]).toEqual([file, false]);
});

function filesUnder(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test('skills are installed at deploy and at run time, told to Claude, and may be read; one that fails harms nothing', async () => {
  const skill = (skill_name: string) => ({ repo_url: 'https://github.com/o/r', skill_name });
  const sub_agent_skills = [skill('broken'), skill('alpha')];
  const permissions = { allowed_tools: ['Read', 'Write'] };
  const team = await client.createTeam('alpha', {}, { sub_agent_skills, permissions });
  await client.deploy(team.id);
  const lead = () =>
    client.call<{ skill_statuses: { status: string }[] | null }>(
      'GET',
      `/api/teams/${team.id}/agents/${team.agents[0]?.id}`,
    );
  const isDone = async () => (await lead()).skill_statuses?.every(({ status }) => status !== 'pending');
  await waitFor('the skills', isDone, { timeoutMs: 60_000 });
  expect((await lead()).skill_statuses).toEqual([
    {
      name: 'https://github.com/o/r:broken',
      status: 'failed',
      error: expect.stringContaining('no skill called broken'),
    },
    { name: 'https://github.com/o/r:alpha', status: 'installed' },
  ]);
  expect(readFileSync(join(folder.path, 'bin', 'environment'), 'utf8')).not.toContain('canary');

  await ask(team.id, '!say one');
  expect(systemFor('!say one')).toContain('how to do alpha');
  const installed = await client.call<{ updated_skills: object[] }>(
    'POST',
    `/api/teams/${team.id}/agents/${team.agents[0]?.id}/skills/install`,
    skill('beta'),
  );
  expect(installed.updated_skills).toHaveLength(3);
  await ask(team.id, '!say two');
  const file = /`([^`]*beta\/SKILL\.md)`/.exec(systemFor('!say two'))?.[1];
  expect((await ask(team.id, `!tool Read {"file_path":"${file}"}`)).result).toContain('pineapple');
  expect((await ask(team.id, `!tool Write {"file_path":"${file}","content":"x"}`)).result).toContain('outside');
});
