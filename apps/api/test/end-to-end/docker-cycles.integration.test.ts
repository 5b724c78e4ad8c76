import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../support/random.ts';
import { docker, hasAgentImage } from './docker.ts';
import { type DockerServer, startDockerServer } from './docker-server.ts';

const cycles = Number(process.env.CYCLES ?? 5);
const seed = Number(process.env.CYCLES_SEED ?? Date.now() % 100_000);
/** A fault comes within this time after a deploy has begun or ended. */
const soonMs = 2_000;

/** What can be done to a team behind the server's back; some of it hits nothing when it comes early. */
function faultsOf(server: DockerServer): Record<string, () => Promise<unknown>> {
  const team = `team-${server.name}`;
  const network = async () => {
    const members = await docker('ps', '--all', '--quiet', '--filter', `network=${team}`);
    for (const member of members.split('\n').filter(Boolean)) await docker('network', 'disconnect', '-f', team, member);
    await docker('network', 'rm', team);
  };
  return {
    'agent killed': async () => docker('kill', `${team}-lead`),
    'agent removed': async () => docker('rm', '--force', `${team}-worker`),
    'agent paused': async () => docker('pause', `${team}-worker`),
    'agent stopped': async () => docker('stop', `${team}-lead`),
    'agent out of the network': async () => docker('network', 'disconnect', '-f', team, `${team}-lead`),
    'nats killed': async () => docker('kill', `${team}-nats`),
    'nats removed': async () => docker('rm', '--force', '--volumes', `${team}-nats`),
    'network removed': network,
    'server killed': async () => {
      await server.kill();
      await server.start();
    },
  };
}

describe.skipIf(!hasAgentImage)('deploy, fault, stop, again and again (needs Docker)', () => {
  test(`nothing is left but the work (${cycles} cycles, seed ${seed})`, {
    timeout: 60_000 + cycles * 60_000,
  }, async () => {
    const random = createRandom(seed);
    await using server = await startDockerServer('sk-ant-test-0123456789');
    const { client, name } = server;
    const faults = faultsOf(server);
    const { id } = await client.createTeam(name);
    const inWorkspace = async (command: string) => docker('exec', `team-${name}-worker`, 'sh', '-c', command);

    await client.deploy(id);
    await inWorkspace('echo precious > /workspace/work.txt');
    await client.call('POST', `/api/teams/${id}/stop`);
    for (let cycle = 1; cycle <= cycles; cycle += 1) {
      const fault = random.pick(Object.keys(faults));
      const early = random.next(2) === 0;
      const what = `cycle ${cycle}: ${fault} ${early ? 'during' : 'after'} the deploy`;
      await client.call('POST', `/api/teams/${id}/deploy`);
      if (!early) await client.untilStatus(id, 'running');
      await delay(random.next(soonMs));
      await faults[fault]?.().catch(() => undefined);
      // One that came early may fail the deploy, which then says why; the next one works.
      if (early && cycle % 2 === 0) {
        await client.call('POST', `/api/teams/${id}/stop`);
        expect(await server.made(), what).toMatchObject({ containers: [], networks: [] });
        await client.deploy(id);
      }
      if (!early) expect(await server.says(id, what)).toBe(`You said: ${what}`);
      await client.call('POST', `/api/teams/${id}/stop`);
      const { containers, networks, volumes } = await server.made();
      expect({ containers, networks }, what).toEqual({ containers: [], networks: [] });
      expect(volumes, what).toContain(`team-${name}-workspace`);
    }
    await client.deploy(id);
    expect(await inWorkspace('cat /workspace/work.txt')).toBe('precious');
    await client.call('POST', `/api/teams/${id}/stop`);
    await client.call('DELETE', `/api/teams/${id}`);
    expect(await server.made()).toEqual({ containers: [], networks: [], volumes: [] });
  });
});
