import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder, waitFor } from '@agentcrew/testkit';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../src/docker/engine.ts';
import { healthOf } from '../src/docker/health.ts';
import { logEntries } from '../src/docker/log-frames.ts';
import type { AgentStatus } from '../src/runtime.ts';
import { type DockerFixture, docker, hasDocker, madeBy, never, openDocker, testImage } from './docker-fixture.ts';
import { agentConfig, infraOf } from './local-fixture.ts';

const waits = { timeoutMs: 60_000 };
const engineSocket = '/var/run/docker.sock';
const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** Stands before the engine, and can be away as the engine is while it restarts. */
async function engineProxy(path: string) {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ path: engineSocket, allowHalfOpen: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    client.pipe(upstream).pipe(client);
  });
  const listen = async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(path, resolve);
    await promise;
  };
  await listen();
  return {
    listen,
    async cut() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await rm(path, { force: true });
    },
  };
}

function newTeam(): string {
  return `t${randomBytes(4).toString('hex')}`;
}

async function deploy(fixture: DockerFixture, team: string) {
  await fixture.runtime.deployInfra(infraOf(team), never);
  return await fixture.runtime.deployAgent(agentConfig(team, 'lead'), never);
}

describe.skipIf(!hasDocker)('the engine and the way to it (needs Docker)', () => {
  it('says that the engine is away, and goes on when it is back', async () => {
    await using folder = await temporaryFolder();
    const socketPath = join(folder.path, 'docker.sock');
    const engine = await engineProxy(socketPath);
    await using fixture = await openDocker({ docker: { socketPath } });
    const changes: AgentStatus['state'][] = [];
    using _ = fixture.runtime.watch(({ state }) => changes.push(state));
    const team = newTeam();
    const { id } = await deploy(fixture, team);
    await engine.cut();
    await expect(fixture.runtime.listAgents()).rejects.toMatchObject({
      code: 'RUNTIME_FAILED',
      message: expect.stringContaining(`Docker does not answer at unix://${socketPath}`),
    });
    const { Id = '' } = (await fixture.containerOf(id)) ?? {};
    await docker.getContainer(Id).kill();
    await engine.listen();
    await waitFor('the death while the engine was away', () => changes.at(-1) === 'error', waits);
    await fixture.runtime.deployAgent(agentConfig(team, 'lead'), never);
    expect(await fixture.runtime.getStatus(id)).toMatchObject({ state: 'running' });
    await engine.cut();
  });

  it('asks a container from inside that cannot be reached from outside', async () => {
    const server = `require('node:http').createServer((request, response) => {
      response.writeHead(request.url === '/readyz' && process.uptime() > 1 ? 200 : 503).end('not yet');
    }).listen(9090)`;
    const container = await docker.createContainer({
      Image: testImage,
      Cmd: ['node', '-e', server],
      HostConfig: { NetworkMode: 'none', AutoRemove: true },
    });
    await container.start();
    try {
      const health = healthOf(openEngine());
      expect(await health.untilReady(container.id, 30_000, never)).toEqual({ ready: true });
      expect(await health.hasSpec(container.id)).toBe(false);
    } finally {
      await container.remove({ force: true });
    }
  });

  it('works for a server in a container: it joins the network of a team, and leaves it', async () => {
    await using fixture = await openDocker();
    const team = newTeam();
    const container = await docker.createContainer({
      Image: 'node:24-bookworm-slim',
      Cmd: ['node', join(repository, 'packages/runtime/test/docker-inside.ts')],
      OpenStdin: true,
      StdinOnce: true,
      HostConfig: { Binds: [`${repository}:${repository}:ro`, `${engineSocket}:${engineSocket}`] },
    });
    try {
      const config = { ...agentConfig(team, 'lead'), image: testImage };
      const input = await container.attach({ stream: true, stdin: true, hijack: true });
      input.end(JSON.stringify({ instance: fixture.instance, config }));
      await container.start();
      const { StatusCode } = await container.wait();
      const output = await container.logs({ stdout: true, stderr: true });
      const text = (await Array.fromAsync(logEntries([output]))).map((entry) => entry.text).join('');
      expect(StatusCode, text).toBe(0);
      expect(JSON.parse(text)).toEqual({
        up: { url: `nats://team-${team}-nats:4222`, networks: ['bridge', `team-${team}`] },
        down: { networks: ['bridge'] },
      });
      expect(await madeBy(fixture.instance)).toMatchObject({ containers: [], networks: [] });
    } finally {
      await container.remove({ force: true });
    }
  });
});
