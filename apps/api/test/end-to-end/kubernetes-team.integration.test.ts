import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Team } from './client.ts';
import { host, suite, visible } from './kubernetes.ts';
import { type KubernetesServer, startKubernetesServer } from './kubernetes-server.ts';

const canary = 'sk-ant-canary-0123456789abcdef';
// Without a scope: some of these tests look where the gate would not let an agent look.
const bash = { permissions: { allowed_tools: ['Bash'], filesystem_scope: '' } };
const run = (command: string) => `!tool Bash ${JSON.stringify({ command, description: 'test' })}`;

describe.skipIf(host === undefined)(suite('a team in pods (needs Kubernetes)'), () => {
  let server: KubernetesServer;

  beforeEach(async () => {
    server = await startKubernetesServer(canary);
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
  });

  async function deploy(leader: object = {}): Promise<Team> {
    const { id } = await server.client.createTeam(server.name, {}, leader);
    return await server.client.deploy(id);
  }

  test('answers with the real CLI, keeps work and conversation over a stop, and leaves nothing when deleted', async () => {
    const { client } = server;
    const { id, agents } = await deploy(bash);
    expect(agents.map(({ container_id }) => container_id).toSorted()).toEqual([
      `${server.namespace}/agent-lead-0`,
      `${server.namespace}/agent-worker-0`,
    ]);
    const first = await client.reply(id, (await client.chat(id, run('echo kept > work.txt; pwd'))).message_id);
    expect(first.payload.result).toContain('/workspace');
    await client.call('POST', `/api/teams/${id}/stop`);
    expect(await server.made()).toEqual(server.kept);
    await client.deploy(id);
    const second = await client.reply(id, (await client.chat(id, run('cat work.txt'))).message_id);
    expect(second.payload.result).toContain('kept');
    expect(second.payload.session_id).toBe(first.payload.session_id);
    await client.call('POST', `/api/teams/${id}/stop`);
    await client.call('DELETE', `/api/teams/${id}`);
    expect(await server.made()).toEqual([]);
  });

  test('a leader delegates to a worker, which has the same workspace', async () => {
    const { id } = await server.client.createTeam(server.name, {
      agents: [
        { name: 'lead', role: 'leader', ...bash },
        { name: 'worker', role: 'worker', ...bash },
      ],
    });
    await server.client.deploy(id);
    await server.says(id, run('echo shared > work.txt'));
    const task = { agent: 'worker', instruction: run('cat work.txt') };
    expect(await server.says(id, `!tool mcp__crew__delegate_task ${JSON.stringify(task)}`)).toContain('shared');
  });

  test('shows the key neither to whoever sees the pods, nor to the commands that the agent runs', async () => {
    const { id } = await deploy(bash);
    const processes = 'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" "\\n"';
    const files = 'grep -rs canary /workspace /state /tmp /run /var/run /app /etc /dev/shm';
    const seen = await server.says(id, run(`env; ${processes}; ${files}; ls /var/run/secrets; true`));
    expect(seen).toContain('AGENTCREW_AGENT=');
    expect(seen).not.toContain('kubernetes.io');
    const token = await server.kubectl('get', 'secret', 'nats-auth-token', '--output', 'jsonpath={.data.token}');
    const texts = [
      seen,
      server.output(),
      JSON.stringify(await server.client.call('GET', `/api/teams/${id}/activity`)),
      await visible(server.namespace),
      await server.kubectl('logs', 'agent-lead-0'),
      await server.kubectl('logs', 'deployment/nats'),
    ];
    for (const text of texts) {
      expect(text).not.toContain(canary);
      expect(text).not.toContain(Buffer.from(token, 'base64').toString());
    }
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
});
