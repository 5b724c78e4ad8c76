import { randomUUID } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectBus, servesUser } from '@agentcrew/nats';
import { temporaryFolder, waitFor } from '@agentcrew/testkit';
import Docker from 'dockerode';
import { describe, expect, test } from 'vitest';
import { teamAccounts } from '../src/external-nats/team-accounts.ts';
import { hasDocker } from './docker-fixture.ts';

const docker = new Docker();
const never = new AbortController().signal;
const log = { info() {}, warn() {}, error() {} };
const compose = new URL('../../../deploy/compose/', import.meta.url).pathname;

/** The nats-server of the compose stack, with the folder that it shares with the API. */
async function startNats() {
  const folder = await temporaryFolder();
  // The start script gives everything in it to user 1000, who is somebody else here.
  await chmod(folder.path, 0o777);
  const container = await docker.createContainer({
    name: `agentcrew-test-${randomUUID()}`,
    Image: 'nats:2.10-alpine',
    Entrypoint: ['/etc/agentcrew/start-nats.sh'],
    ExposedPorts: { '4222/tcp': {} },
    HostConfig: {
      Binds: [`${compose}:/etc/agentcrew:ro`, `${folder.path}:/accounts`],
      PortBindings: { '4222/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] },
      CapDrop: ['ALL'],
      CapAdd: ['CHOWN', 'DAC_OVERRIDE'],
    },
  });
  await container.start();
  const port = async () => Number((await container.inspect()).NetworkSettings.Ports['4222/tcp']?.[0]?.HostPort);
  return {
    container,
    port,
    file: join(folder.path, 'teams.json'),
    async systemUrl() {
      const read = async () => (await readFile(join(folder.path, 'url'), 'utf8')) || undefined;
      const url = await waitFor('the URL of NATS', read);
      return url.replace('@nats:4222', `@127.0.0.1:${await port()}`);
    },
    async [Symbol.asyncDispose]() {
      await container.remove({ force: true, v: true });
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function busOf(url: string, team: string, user: string, token: string, connectTimeoutMs = 20_000) {
  return await connectBus({ url, user, token, name: 'test', team, connectTimeoutMs });
}

const limits = { maxAgeMs: 60_000, maxBytes: 1_048_576 };

describe.skipIf(!hasDocker)('accounts of teams on an external nats-server (needs Docker)', () => {
  test('each team has its own, and sees nothing of another', async () => {
    await using nats = await startNats();
    const accounts = teamAccounts({ systemUrl: await nats.systemUrl(), file: nats.file, log });
    await Promise.all([accounts.ensureTeam('a', 'token-a', never), accounts.ensureTeam('b', 'token-b', never)]);
    expect(accounts.url).not.toContain('@');

    await using own = await busOf(accounts.url, 'a', 'a', 'token-a');
    await own.ensureStream(limits);
    // Another team's user that asks for a's stream is told that there is none, and may make one of its own.
    await using other = await busOf(accounts.url, 'a', 'b', 'token-b');
    expect(await other.ensureStream(limits)).toEqual({ created: true });
    expect(await own.ensureStream(limits)).toEqual({ created: false });
    await expect(busOf(accounts.url, 'a', 'a', 'token-b', 1_000)).rejects.toThrow(/NATS/);
  });

  test('a team keeps its account over a restart of the server and of the API, and leaves nothing when removed', async () => {
    await using nats = await startNats();
    const before = teamAccounts({ systemUrl: await nats.systemUrl(), file: nats.file, log });
    await before.ensureTeam('a', 'token-a', never);
    await before.ensureTeam('b', 'token-b', never);
    await using bus = await busOf(before.url, 'a', 'a', 'token-a');
    await bus.ensureStream(limits);
    const written = await readFile(nats.file, 'utf8');
    await bus[Symbol.asyncDispose]();
    await nats.container.restart({ t: 5 });

    const accounts = teamAccounts({ systemUrl: await nats.systemUrl(), file: nats.file, log });
    await accounts.ensureTeam('a', 'token-a', never);
    expect(await readFile(nats.file, 'utf8')).toBe(written);
    await using again = await busOf(accounts.url, 'a', 'a', 'token-a');
    expect(await again.ensureStream(limits)).toEqual({ created: false });

    await accounts.removeTeam('a');
    const server = { port: await nats.port() };
    expect(await servesUser({ ...server, user: 'a', password: 'token-a' }, 2_000)).toBe(false);
    expect(await servesUser({ ...server, user: 'b', password: 'token-b' }, 2_000)).toBe(true);
    await accounts.ensureTeam('a', 'token-new', never);
    await using fresh = await busOf(accounts.url, 'a', 'a', 'token-new');
    expect(await fresh.ensureStream(limits)).toEqual({ created: true });
  });

  test('a file that the server cannot read is replaced', async () => {
    await using nats = await startNats();
    const accounts = teamAccounts({ systemUrl: await nats.systemUrl(), file: nats.file, log });
    await accounts.ensureTeam('b', 'token-b', never);
    await writeFile(nats.file, '{ "half": ');
    await accounts.ensureTeam('a', 'token-a', never);
    expect(await servesUser({ port: await nats.port(), user: 'a', password: 'token-a' }, 2_000)).toBe(true);
  });

  test('a server that is not there is an error with an end', async () => {
    const accounts = teamAccounts({ systemUrl: 'nats://x:y@127.0.0.1:9', file: '/nonexistent/teams.json', log });
    await expect(accounts.ensureTeam('a', 'token-a', never)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect(() => teamAccounts({ systemUrl: 'nats://127.0.0.1:9', file: '/tmp/x', log })).toThrow(/user and a password/);
  });
});
