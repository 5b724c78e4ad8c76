import { once } from 'node:events';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connectBus, type TeamBus } from '@agentcrew/nats';
import { temporaryFolder, waitFor } from '@agentcrew/testkit';
import { describe, expect, it } from 'vitest';
import { isPortFree } from '../src/local/free-port.ts';
import type { AgentRuntime } from '../src/runtime.ts';
import { agentConfig, hasNatsServer, infraOf, type LocalFixture, never, openLocal, table } from './local-fixture.ts';

const limits = { maxAgeMs: 3_600_000, maxBytes: 64 * 1024 * 1024 };

async function busOf(runtime: AgentRuntime, team: string): Promise<TeamBus> {
  const { url, user } = await runtime.natsConnectUrl(team);
  const token = infraOf(team).natsToken;
  return await connectBus({ url, ...(user ? { user } : {}), token, name: 'test', team, connectTimeoutMs: 30_000 });
}

/** Whether the team's stream was still there with what it held. */
async function streamSurvived(runtime: AgentRuntime, team: string): Promise<boolean> {
  await using bus = await busOf(runtime, team);
  return !(await bus.ensureStream(limits)).created;
}

async function killNats(local: LocalFixture): Promise<void> {
  const pid = await local.natsPid();
  if (pid === undefined) throw new Error('nats-server does not run');
  process.kill(pid, 'SIGKILL');
  await waitFor('nats-server to be gone', async () => (await table.identify(pid)) === undefined);
}

describe.skipIf(!hasNatsServer)('nats-server on this host (needs nats-server)', () => {
  it('shows no token to other users', async () => {
    await using local = await openLocal();
    await local.runtime.deployInfra(infraOf('crew'), never);
    const pid = await local.natsPid();
    for (const file of ['environ', 'cmdline']) {
      expect(await readFile(`/proc/${pid}/${file}`, 'utf8')).not.toContain('token-of-crew');
    }
  });

  it('comes back after a kill on the same port with its data', async () => {
    await using local = await openLocal();
    const { runtime } = local;
    await runtime.deployInfra(infraOf('crew'), never);
    const url = runtime.natsUrl('crew');
    expect(await streamSurvived(runtime, 'crew')).toBe(false);
    await killNats(local);
    await runtime.deployInfra(infraOf('crew'), never);
    expect(runtime.natsUrl('crew')).toBe(url);
    expect(await streamSurvived(runtime, 'crew')).toBe(true);
  });

  it('is adopted by the next server, with or without a record of it', async () => {
    await using local = await openLocal();
    await local.runtime.deployInfra(infraOf('crew'), never);
    const pid = await local.natsPid();
    const next = local.reopen();
    expect(next.natsUrl('crew')).toBe(local.runtime.natsUrl('crew'));
    await next.deployInfra(infraOf('crew'), never);
    expect(await local.natsPid()).toBe(pid);
    await writeFile(join(local.dataDir, 'nats', 'process.json'), '{"pid":1,"start_time":"never"}');
    await next.deployInfra(infraOf('other'), never);
    expect(await local.natsPid()).toBe(pid);
  });

  it('takes teams in and lets them go without cutting the others off', async () => {
    await using local = await openLocal();
    const { runtime } = local;
    await runtime.deployInfra(infraOf('crew'), never);
    await using bus = await busOf(runtime, 'crew');
    const losses: boolean[] = [];
    using _ = bus.onConnection((connected) => losses.push(connected));
    await bus.ensureStream(limits);
    for (const removeData of [false, true]) {
      await runtime.deployInfra(infraOf('other'), never);
      await streamSurvived(runtime, 'other');
      await runtime.teardownInfra('other', { removeData });
    }
    expect((await bus.ensureStream(limits)).created).toBe(false);
    expect(losses).toEqual([]);
  });

  it('has the folder for the streams of a team that joins, and does not remove it', async () => {
    await using local = await openLocal();
    const store = join(local.dataDir, 'nats', 'store', 'jetstream');
    await local.runtime.deployInfra(infraOf('crew'), never);
    await local.runtime.deployInfra(infraOf('other'), never);
    const account = (await readdir(store)).find((name) => name.startsWith('other-'));
    expect(await readdir(join(store, account ?? 'none'))).toContain('streams');
  });

  it('keeps what a stopped team has stored, and deletes it with the team', async () => {
    await using local = await openLocal();
    const { runtime } = local;
    await runtime.deployInfra(infraOf('other'), never);
    for (const [before, removeData] of [
      [false, false],
      [true, true],
      [false, true],
    ]) {
      await runtime.deployInfra(infraOf('crew'), never);
      expect(await streamSurvived(runtime, 'crew')).toBe(before);
      await runtime.teardownInfra('crew', { removeData });
    }
    const accounts = await readdir(join(local.dataDir, 'nats', 'store', 'jetstream'));
    expect(accounts.filter((name) => name.startsWith('crew-'))).toEqual([]);
  });

  it('gives every team a user of its own, and follows a new token', async () => {
    await using local = await openLocal();
    const { runtime } = local;
    await Promise.all(['a', 'b', 'c'].map(async (team) => runtime.deployInfra(infraOf(team), never)));
    const { url } = await runtime.natsConnectUrl('a');
    const tryConnect = async (user: string, token: string) => {
      await using bus = await connectBus({ url, user, token, name: 'test', team: user, connectTimeoutMs: 1_500 });
      return bus.connected;
    };
    expect(await tryConnect('a', 'token-of-a')).toBe(true);
    await expect(tryConnect('a', 'token-of-b')).rejects.toMatchObject({ code: 'NATS_UNAVAILABLE' });
    await runtime.deployInfra({ team: 'a', natsToken: 'a-new-token' }, never);
    expect(await tryConnect('a', 'a-new-token')).toBe(true);
    expect(await tryConnect('b', 'token-of-b')).toBe(true);
  });

  it('stops with the last team, and agents that run on its next port are replaced', async () => {
    await using local = await openLocal();
    const { runtime } = local;
    await runtime.deployInfra(infraOf('crew'), never);
    const before = runtime.natsUrl('crew');
    const { id } = await runtime.deployAgent(agentConfig('crew', 'lead'), never);
    const pid = await local.pidOf(id);
    await killNats(local);
    const port = Number(new URL(before).port);
    // Threads of the killed server may hold the port a little longer than its process can be seen.
    await waitFor('the port to be free', async () => isPortFree(port));
    const intruder = createServer().listen(port, '127.0.0.1');
    await once(intruder, 'listening');
    try {
      await runtime.deployInfra(infraOf('crew'), never);
      expect(runtime.natsUrl('crew')).not.toBe(before);
      await runtime.deployAgent(agentConfig('crew', 'lead'), never);
      expect(await local.pidOf(id)).not.toBe(pid);
    } finally {
      intruder.close();
    }
    await runtime.teardownInfra('crew');
    expect(await local.natsPid()).toBeUndefined();
  });

  it('is restarted when it runs but does not answer', async () => {
    await using local = await openLocal();
    await local.runtime.deployInfra(infraOf('crew'), never);
    const pid = await local.natsPid();
    process.kill(pid ?? 0, 'SIGSTOP');
    await local.runtime.deployInfra(infraOf('crew'), never);
    expect(await local.natsPid()).not.toBe(pid);
    expect(await streamSurvived(local.runtime, 'crew')).toBe(false);
  });

  it('is started again when it is killed while it starts', async () => {
    await using folder = await temporaryFolder();
    const sickly = join(folder.path, 'nats-server');
    const lives = join(folder.path, 'lives');
    await writeFile(
      sickly,
      `#!/bin/sh\nif [ -e ${lives} ]; then exec nats-server "$@"; fi\n: > ${lives}\nkill -9 $$\n`,
    );
    await chmod(sickly, 0o755);
    await using local = await openLocal({ natsServer: sickly });
    await local.runtime.deployInfra(infraOf('crew'), never);
    expect(await streamSurvived(local.runtime, 'crew')).toBe(false);
  });
});

describe('a nats-server that cannot be used', () => {
  it('is reported with how to get one', async () => {
    await using local = await openLocal({ natsServer: '/nowhere/nats-server' });
    await expect(local.runtime.deployInfra(infraOf('crew'), never)).rejects.toMatchObject({
      code: 'RUNTIME_FAILED',
      message: expect.stringMatching(/nats-server was not found: looked in \/nowhere.*apt-get install.*NATS_URL/),
    });
  });

  it('is reported with its last words', async () => {
    await using folder = await temporaryFolder();
    const broken = join(folder.path, 'nats-server');
    await writeFile(broken, '#!/bin/sh\necho "[7] 2026/01/01 00:00:00.1 [FTL] no space for JetStream" >&2\nexit 1\n');
    await chmod(broken, 0o755);
    await using local = await openLocal({ natsServer: broken });
    await expect(local.runtime.deployInfra(infraOf('crew'), never)).rejects.toMatchObject({
      code: 'RUNTIME_FAILED',
      message: 'nats-server did not start: [FTL] no space for JetStream',
    });
  });
});
