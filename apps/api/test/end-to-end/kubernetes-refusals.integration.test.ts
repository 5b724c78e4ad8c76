import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { host, suite } from './kubernetes.ts';
import { type KubernetesServer, startKubernetesServer } from './kubernetes-server.ts';

const apiKey = 'sk-ant-test-0123456789';

describe.skipIf(host === undefined)(suite('a team that its cluster refuses (needs Kubernetes)'), () => {
  let server: KubernetesServer;

  beforeEach(async () => {
    server = await startKubernetesServer(apiKey);
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
  });

  async function failedDeploy(id: string): Promise<string> {
    await server.client.call('POST', `/api/teams/${id}/deploy`);
    return (await server.client.untilStatus(id, 'error', 150_000)).status_message;
  }

  test('says in status_message why a team with an image that is not to be had does not start', async () => {
    const { id } = await server.client.createTeam(server.name, { agent_image: 'localhost:9/agentcrew/absent:1' });
    expect(await failedDeploy(id)).toContain('localhost:9/agentcrew/absent:1');
    expect(await server.made()).toEqual(server.kept);
  });

  test('says that a quota is too small, and starts when it is not any more', async () => {
    const { id } = await server.client.createTeam(server.name);
    await server.client.deploy(id);
    await server.client.call('POST', `/api/teams/${id}/stop`);
    await server.kubectl('create', 'quota', 'small', '--hard=pods=2');
    expect(await failedDeploy(id)).toContain('exceeded quota: small');
    expect(await server.made()).toEqual(server.kept);
    await server.kubectl('delete', 'quota', 'small');
    await server.client.deploy(id);
    expect(await server.says(id, 'hello')).toBe('You said: hello');
  });
});

describe.skipIf(host === undefined)(suite('a cluster without room for an agent (needs Kubernetes)'), () => {
  test('is named in status_message', async () => {
    await using server = await startKubernetesServer(apiKey, { KUBERNETES_SCHEDULE_TIMEOUT: '5s' });
    const leader = { resources: { cpu: '1000', memory: '1Gi' } };
    const { id } = await server.client.createTeam(server.name, {}, leader);
    await server.client.call('POST', `/api/teams/${id}/deploy`);
    expect((await server.client.untilStatus(id, 'error')).status_message).toMatch(
      /^agent lead does not start: Unschedulable: [^(]*Insufficient cpu[^(]*$/,
    );
    expect(await server.made()).toEqual(server.kept);
  });
});
