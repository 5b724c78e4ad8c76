import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { echoMcpServer, waitFor } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { Crew } from './crew.ts';
import { useServices } from './services.ts';

const services = useServices();

const permissions = { allowed_tools: ['mcp__echo__*', 'mcp__more__*'] };
const echo = (name: string, env: Record<string, string>) => ({
  name,
  transport: 'stdio' as const,
  command: echoMcpServer.command,
  args: [...echoMcpServer.args],
  env,
});

test('an agent in a pod has the MCP servers of its spec, and takes over others between two turns; their secrets stay where they are', async () => {
  const [first, second] = [`mcp-canary-${randomUUID()}`, `mcp-canary-${randomUUID()}`];
  await using crew = await Crew.start({
    ...services.urls,
    asInPod: true,
    permissions,
    mcpServers: [echo('echo', { TOKEN: first }), echo('broken', { MODE: 'broken', TOKEN: first })],
  });
  const states = () => crew.said.filter(({ type }) => type === 'mcp_status').map(({ payload }) => payload);
  const call = async (name: string, text: string) =>
    (await crew.replyTo(await crew.send(`!tool mcp__${name}__shout {"text":${JSON.stringify(text)}}`))).result;

  expect(await call('echo', 'hello')).toBe('Done. HELLO!');
  expect(states()).toEqual([
    {
      agent_name: 'Lead',
      servers: [
        { name: 'echo', status: 'running' },
        { name: 'broken', status: 'failed', error: expect.stringMatching(/./) },
      ],
    },
  ]);

  const servers = [echo('more', { TOKEN: second })];
  expect(await crew.bus.request('lead', { type: 'mcp_servers', servers }, 10_000)).toMatchObject({ ok: true });
  expect(await call('more', `it is ${second}`)).toBe(`Done. IT IS ${second.toUpperCase()}!`);
  await waitFor('the new state', () => states().length === 2);
  expect(states()[1]).toMatchObject({ servers: [{ name: 'more', status: 'running' }] });
  expect(await call('echo', 'gone')).toContain('No such tool');

  const processes = (await crew.processes()).filter(({ pid }) => pid !== crew.sidecarPid);
  const argumentsOnly = JSON.stringify(processes.map(({ command }) => command));
  for (const secret of [first, second]) {
    expect(JSON.stringify({ said: crew.said, output: crew.output, argumentsOnly })).not.toContain(secret);
    // Claude's own transcript is not ours to redact, and holds what the model was asked.
    const grep = promisify(execFile)('grep', [
      '-rl',
      '--exclude-dir=projects',
      secret,
      crew.spec.state_dir,
      crew.spec.workspace,
    ]);
    await expect(grep).rejects.toMatchObject({ code: 1 });
  }
});
