import { waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Team } from './client.ts';
import { docker, hasAgentImage } from './docker.ts';
import { type DockerServer, startDockerServer } from './docker-server.ts';

const canary = 'sk-ant-canary-0123456789abcdef';
// Without a scope: some of these tests look where the gate would not let an agent look.
const bash = { permissions: { allowed_tools: ['Bash'], filesystem_scope: '' } };
const run = (command: string) => `!tool Bash ${JSON.stringify({ command, description: 'test' })}`;

describe.skipIf(!hasAgentImage)('a team in containers (needs Docker)', () => {
  let server: DockerServer;

  beforeEach(async () => {
    server = await startDockerServer(canary);
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
  });

  const container = (agent: string) => `team-${server.name}-${agent}`;
  const inLeader = async (command: string) => docker('exec', container('lead'), 'sh', '-c', command);
  async function deploy(leader: object = {}): Promise<Team> {
    const { id } = await server.client.createTeam(server.name, {}, leader);
    return await server.client.deploy(id);
  }

  test('answers with the real CLI, keeps work and conversation over a stop, and leaves nothing when deleted', async () => {
    const { client } = server;
    const { id } = await deploy(bash);
    const first = await client.reply(id, (await client.chat(id, run('echo kept > work.txt; pwd'))).message_id);
    expect(first.payload.result).toContain('/workspace');
    await client.call('POST', `/api/teams/${id}/stop`);
    expect(await server.made()).toMatchObject({ containers: [], networks: [] });
    await client.deploy(id);
    const second = await client.reply(id, (await client.chat(id, run('cat work.txt'))).message_id);
    expect(second.payload.result).toContain('kept');
    expect(second.payload.session_id).toBe(first.payload.session_id);
    await client.call('POST', `/api/teams/${id}/stop`);
    await client.call('DELETE', `/api/teams/${id}`);
    expect(await server.made()).toEqual({ containers: [], networks: [], volumes: [] });
  });

  test('shows the key neither to whoever inspects, nor to the commands that the agent runs', async () => {
    const { id } = await deploy(bash);
    const processes = 'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" "\\n"';
    const seen = await server.says(
      id,
      run(`env; ${processes}; grep -rs canary /workspace /state /tmp /run /app; true`),
    );
    expect(seen).toContain('AGENTCREW_AGENT=');
    const texts = [
      seen,
      server.output(),
      JSON.stringify(await server.client.call('GET', `/api/teams/${id}/activity`)),
      await docker('inspect', ...(await server.made()).containers),
      await docker('exec', container('lead'), 'env'),
      await docker('logs', container('lead')),
    ];
    for (const text of texts) expect(text).not.toContain(canary);
    expect(server.model.requests.some(({ headers }) => headers['x-api-key'] === canary)).toBe(true);
  });

  test('keeps the memory of the sidecar and of the CLI from the commands of the agent', async () => {
    const { id } = await deploy(bash);
    const spy = `for pid in $(command ls /proc | command grep -E '^[0-9]+$'); do
      case $(tr '\\0' ' ' < /proc/$pid/cmdline) in
        /opt/agentcrew/node*|/usr/local/bin/claude*) cat /proc/$pid/maps /proc/$pid/environ; head -c 1 /proc/$pid/mem ;;
      esac
    done 2>&1 | command grep -o 'Permission denied' | sort | uniq -c`;
    // Memory map, environment and memory of both.
    expect(await server.says(id, run(spy))).toMatch(/\b6 Permission denied/);
  });

  test('a server killed in the middle of a deploy finishes it at the next start', async () => {
    const { id } = await server.client.createTeam(server.name);
    await server.client.call('POST', `/api/teams/${id}/deploy`);
    await waitFor('the first container', async () => (await server.made()).containers.length > 0);
    await server.kill();
    await server.start();
    await server.client.untilStatus(id, 'running');
    expect(await server.says(id, 'hello')).toBe('You said: hello');
    expect((await server.made()).containers).toHaveLength(3);
  });

  test('a server killed in the middle of a turn stores its answer after the next start; the agents run on', async () => {
    const { client, model } = server;
    const { id } = await deploy();
    const { containers } = await server.made();
    const hold = model.hold();
    const { message_id } = await client.chat(id, 'slow');
    await model.waitForRequest('the turn to reach the model', ({ userText }) => userText === 'slow');
    await server.kill();
    hold.release();
    await server.start();
    expect((await client.reply(id, message_id)).payload.result).toBe('You said: slow');
    expect((await server.made()).containers.toSorted()).toEqual(containers.toSorted());
  });

  test('a killed CLI, sidecar, agent or NATS loses no message', async () => {
    const { id } = await deploy();
    // In brackets, so that the command does not find itself.
    const killing = (program: string) => `kill -9 $(grep -l '${program}' /proc/[0-9]*/cmdline | cut -d / -f 3)`;
    const kills = {
      cli: async () => inLeader(killing('[s]tream-json')),
      // The container ends with its sidecar, and with it this command.
      sidecar: async () => inLeader(killing('[s]idecar/src/main')).catch(() => ''),
      agent: async () => docker('rm', '--force', container('lead')),
      nats: async () => docker('kill', container('nats')),
    };
    expect(await server.says(id, 'warm')).toBe('You said: warm');
    for (const [what, kill] of Object.entries(kills)) {
      await kill();
      expect(await server.says(id, `after the ${what}`)).toBe(`You said: after the ${what}`);
    }
    await server.client.untilWhole(id);
  });

  test('says in status_message why a team with an image that is not to be had does not start', async () => {
    const { client } = server;
    const { id } = await client.createTeam(server.name, { agent_image: 'localhost:9/agentcrew/absent:1' });
    await client.call('POST', `/api/teams/${id}/deploy`);
    const { status_message } = await client.untilStatus(id, 'error');
    expect(status_message).toContain('The image localhost:9/agentcrew/absent:1 is not on this engine');
    expect(await server.made()).toMatchObject({ containers: [], networks: [] });
  });
});
