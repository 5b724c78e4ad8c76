import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AgentSpec, splitMcpSecrets } from '@agentcrew/protocol';
import { temporaryFolder } from '@agentcrew/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { Briefing } from '../src/briefing.ts';
import { spec } from './fakes.ts';

async function place() {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return (instructions: string, more: Partial<AgentSpec> = {}) =>
    new Briefing(spec({ state_dir: folder.path, instructions, ...more }));
}

test('says what the spec says until the server says something else', async () => {
  const start = await place();
  const briefing = start('first');
  expect(briefing.options().instructions).toBe('first');
  expect(briefing.instruct('first')).toBe(false);
  expect(briefing.instruct('second')).toBe(true);
  expect(briefing.options().instructions).toBe('second');
});

test('a process with the same spec goes on with the newer text, one with another spec does not', async () => {
  const start = await place();
  start('first').instruct('second');
  expect(start('first').options().instructions).toBe('second');
  expect(start('third').options().instructions).toBe('third');
  expect(start('first').options().instructions).toBe('first');
});

test('what was stored and cannot be read counts as nothing', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const file = join(folder.path, 'briefing.json');
  writeFileSync(file, '{"replaces":');
  const briefing = new Briefing(spec({ state_dir: folder.path, instructions: 'first' }));
  expect(briefing.options().instructions).toBe('first');
  expect(() => readFileSync(file)).toThrow('ENOENT');
});

test('MCP servers get their secrets back, and are in no file', async () => {
  const start = await place();
  const servers = [
    { name: 'db', transport: 'stdio' as const, command: 'db-mcp', args: ['-v'], env: { TOKEN: 'sealed-away' } },
    { name: 'web', transport: 'http' as const, url: 'https://mcp.example' },
  ];
  const split = splitMcpSecrets(servers);
  expect(JSON.stringify(split.servers)).not.toContain('sealed-away');
  const briefing = start('x', { mcp_servers: split.servers, secrets: { mcp: split.secrets } });
  expect(briefing.options().mcpServers).toEqual(servers);
  expect(briefing.equip(servers)).toBe(false);
  expect(briefing.equip([...servers, { name: 'Crew', transport: 'stdio', command: 'evil' }])).toBe(false);
  expect(briefing.equip([{ ...servers[0], env: { TOKEN: 'another' } } as (typeof servers)[number]])).toBe(true);
  expect(briefing.options().mcpServers).toMatchObject([{ name: 'db', env: { TOKEN: 'another' } }]);
  expect(start('x').options().mcpServers).toEqual([]);
});

test('MCP secrets that cannot be read leave the servers without', async () => {
  const start = await place();
  const mcp_servers = [{ name: 'db', transport: 'stdio' as const, command: 'db-mcp' }];
  expect(start('x', { mcp_servers, secrets: { mcp: '{"db":' } }).options().mcpServers).toEqual(mcp_servers);
  expect(start('x', { mcp_servers, secrets: { mcp: '{"db":{"env":7}}' } }).options().mcpServers).toEqual(mcp_servers);
});
