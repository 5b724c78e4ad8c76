import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, hostGateway, startScriptedModel, temporaryFolder } from '@agentcrew/testkit';
import { describe, expect, test } from 'vitest';
import { Client } from './client.ts';
import { agentImage, docker, hasAgentImage, labelled, removeAll } from './docker.ts';

const repository = fileURLToPath(new URL('../../../..', import.meta.url));
const canary = 'sk-ant-canary-0123456789abcdef';

/** Names of its own, so that the test can run beside a stack that somebody uses. */
function renamed(project: string, port: number, modelUrl: string): string {
  return `
services:
  api:
    container_name: ${project}-api
    ports: !override ["127.0.0.1:${port}:8080"]
    environment: { NATS_CONTAINER: ${project}-nats, ANTHROPIC_BASE_URL: "${modelUrl}" }
  nats: { container_name: ${project}-nats }
networks:
  default: { name: ${project} }
`;
}

async function startStack(modelUrl: string) {
  const project = `agentcrew-test-${randomBytes(4).toString('hex')}`;
  const folder = await temporaryFolder();
  const port = await freePort();
  const override = join(folder.path, 'override.yml');
  await writeFile(override, renamed(project, port, modelUrl));
  const files = ['--file', join(repository, 'docker-compose.yml'), '--file', override];
  const compose = async (...args: string[]) => docker('compose', '--project-name', project, ...files, ...args);
  const up = async () => compose('up', '--detach', '--wait', '--no-build');
  await up().catch(async (error: unknown) => {
    await compose('down', '--volumes');
    throw error;
  });
  const instance = await docker('exec', '--user', 'node', `${project}-api`, 'cat', '/data/instance-id');
  return {
    client: new Client(`http://127.0.0.1:${port}`),
    project,
    async restart() {
      await compose('restart');
      await up();
    },
    made: async () => labelled(`agentcrew.instance=${instance}`),
    async [Symbol.asyncDispose]() {
      await compose('stop', 'api');
      await removeAll(instance);
      await compose('down', '--volumes');
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe.skipIf(!hasAgentImage)('the compose stack (needs Docker)', () => {
  test('deploys and talks to teams that reach neither the server nor each other, also after its own restart', async () => {
    await using model = await startScriptedModel({ host: await hostGateway(agentImage), apiKey: canary });
    await using stack = await startStack(model.url);
    const { client, project } = stack;
    const name = `t${randomBytes(4).toString('hex')}`;
    await client.call('PUT', '/api/settings', { key: 'ANTHROPIC_API_KEY', value: canary });
    const [first, second] = [await client.createTeam(name), await client.createTeam(`${name}-2`)];
    await Promise.all([client.deploy(first.id), client.deploy(second.id)]);
    const says = async (text: string) =>
      (await client.reply(first.id, (await client.chat(first.id, text)).message_id)).payload.result;
    expect(await says('hello')).toBe('You said: hello');

    const reach = async (host: string) =>
      docker('exec', `team-${name}-lead`, 'curl', '--silent', '--max-time', '5', `http://${host}`).then(
        () => 'reached',
        (error: { code?: number }) => error.code,
      );
    const addressOf = async (container: string, network: string) =>
      docker('inspect', container, '--format', `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`);
    const otherAgent = await addressOf(`team-${name}-2-lead`, `team-${name}-2`);
    // In the network of the team, and in that of the stack.
    const serverHere = await addressOf(`${project}-api`, `team-${name}`);
    const serverThere = await addressOf(`${project}-api`, project);
    for (const host of [`${otherAgent}:9090`, `${serverHere}:8080`, `${serverThere}:8080`]) {
      expect(await reach(host), host).not.toBe('reached');
    }

    await stack.restart();
    expect(await says('again')).toBe('You said: again');
    expect(await docker('logs', `${project}-api`)).toContain('ending; agents go on running');
    expect(await docker('logs', `${project}-api`)).not.toContain(canary);
    expect(await docker('inspect', `${project}-api`, ...(await stack.made()).containers)).not.toContain(canary);
    for (const { id } of [first, second]) {
      await client.call('POST', `/api/teams/${id}/stop`);
      await client.call('DELETE', `/api/teams/${id}`);
    }
    expect(await stack.made()).toEqual({ containers: [], networks: [], volumes: [] });
    expect(await docker('exec', `${project}-nats`, 'cat', '/accounts/teams.json')).not.toContain(name);
  });
});
