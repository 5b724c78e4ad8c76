import { waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { host, suite } from './kubernetes.ts';
import { type KubernetesServer, startKubernetesServer } from './kubernetes-server.ts';

describe.skipIf(host === undefined)(suite('a team in pods, of which something dies (needs Kubernetes)'), () => {
  let server: KubernetesServer;

  beforeEach(async () => {
    server = await startKubernetesServer('sk-ant-test-0123456789');
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
  });

  async function deploy() {
    const { id } = await server.client.createTeam(server.name);
    return await server.client.deploy(id);
  }
  const pods = async () => (await server.made()).filter((name) => name.startsWith('pod/'));
  const podUids = async () => server.kubectl('get', 'pods', '--output', 'jsonpath={.items[*].metadata.uid}');

  test('a server killed in the middle of a deploy finishes it at the next start', async () => {
    const { id } = await server.client.createTeam(server.name);
    await server.client.call('POST', `/api/teams/${id}/deploy`);
    await waitFor('the first pod', async () => (await pods()).length > 0);
    await server.kill();
    await server.start();
    await server.client.untilStatus(id, 'running');
    expect(await server.says(id, 'hello')).toBe('You said: hello');
    expect(await pods()).toHaveLength(3);
  });

  test('a server killed in the middle of a turn stores its answer after the next start; the agents run on', async () => {
    const { client, model } = server;
    const { id } = await deploy();
    const before = await podUids();
    const hold = model.hold();
    const { message_id } = await client.chat(id, 'slow');
    await model.waitForRequest('the turn to reach the model', ({ userText }) => userText === 'slow');
    await server.kill();
    hold.release();
    await server.start();
    expect((await client.reply(id, message_id)).payload.result).toBe('You said: slow');
    expect(await podUids()).toBe(before);
  });

  test('no killed CLI, sidecar, pod or NATS, and no deleted Secret, loses a message', async () => {
    const { id } = await deploy();
    const kills = {
      cli: async () => server.killInAgent('lead', 'stream-json'),
      sidecar: async () => server.killInAgent('lead', 'sidecar/src/main'),
      pod: async () => server.kubectl('delete', 'pod', 'agent-lead-0', '--grace-period=1'),
      secrets: async () => {
        await server.kubectl('delete', 'secrets', 'agent-lead', 'anthropic-api-key', 'nats-auth-token');
        await server.kubectl('delete', 'pod', 'agent-lead-0', '--grace-period=1');
      },
      nats: async () => server.kubectl('delete', 'pods', '--selector=agentcrew.role=nats', '--grace-period=1'),
    };
    expect(await server.says(id, 'warm')).toBe('You said: warm');
    for (const [what, kill] of Object.entries(kills)) {
      await kill();
      expect(await server.says(id, `after the ${what}`)).toBe(`You said: after the ${what}`);
    }
    await server.client.untilWhole(id);
  });
});
