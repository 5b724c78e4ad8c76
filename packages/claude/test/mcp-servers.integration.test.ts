import { readFile } from 'node:fs/promises';
import { echoMcpServer } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { agentPlace, say } from './cli.ts';

const echo = (name: string, env: Record<string, string> = {}) => ({
  name,
  transport: 'stdio' as const,
  command: echoMcpServer.command,
  args: [...echoMcpServer.args],
  env,
});

test('the model gets the tools of MCP servers beside our own; their secrets are in no argument, and what fails says why', async () => {
  const { calls, events, start } = await agentPlace({
    toolServer: {
      name: 'crew',
      callTimeoutMs: 30_000,
      tools: async () => [{ name: 'greet', description: 'Greets.', inputSchema: { type: 'object' } }],
      call: async () => ({ text: 'hi' }),
    },
    mcpServers: [
      echo('good', { TOKEN: 'sealed-away' }),
      echo('bad', { MODE: 'broken' }),
      { name: 'gone', transport: 'http', url: 'http://127.0.0.1:1/mcp', headers: { Authorization: 'Bearer x' } },
    ],
  });
  const cli = await start();
  const states = events.find(({ type }) => type === 'mcp');
  expect(states).toMatchObject({
    servers: [
      { name: 'good', status: 'connected' },
      { name: 'bad', status: 'failed', error: expect.stringMatching(/./) },
      { name: 'gone', status: 'failed', error: expect.stringMatching(/./) },
    ],
  });
  expect(await cli.turn(say('!tool mcp__good__shout {"text":"yo"}'))).toMatchObject({ text: 'Done. YO!' });
  expect(await cli.turn(say('!tool mcp__crew__greet {}'))).toMatchObject({ text: 'Done. hi' });
  expect(calls.map(({ tool }) => tool)).toEqual(['mcp__good__shout', 'mcp__crew__greet']);
  expect(await readFile(`/proc/${cli.pid}/cmdline`, 'utf8')).not.toContain('sealed-away');
});
