import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '@agentcrew/testkit';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../support/random.ts';
import { host, readyPods, suite } from './kubernetes.ts';
import { type KubernetesServer, startKubernetesServer } from './kubernetes-server.ts';

const cycles = Number(process.env.CYCLES ?? 2);
const seed = Number(process.env.CYCLES_SEED ?? Date.now() % 100_000);
/** A fault comes within this time after a deploy has begun or ended. */
const soonMs = 3_000;
/** So soon after a fault the API tells the truth about the agents. */
const truthMs = 5_000;
const namespaceDeleted = 'namespace deleted';

/** What can be done to a team behind the server's back; some of it hits nothing when it comes early. */
function faultsOf(server: KubernetesServer): Record<string, () => Promise<unknown>> {
  const deleting =
    (...what: string[]) =>
    async () =>
      server.kubectl('delete', ...what);
  return {
    'agent pod deleted': deleting('pod', 'agent-lead-0', '--wait=false'),
    'agent pod killed': deleting('pod', 'agent-worker-0', '--grace-period=1'),
    'statefulset deleted': deleting('statefulset', 'agent-worker', '--wait=false'),
    'sidecar killed': async () => server.killInAgent('lead', 'sidecar/src/main'),
    'nats pod deleted': deleting('pods', '--selector=agentcrew.role=nats', '--wait=false'),
    'nats deployment deleted': deleting('deployment', 'nats', '--wait=false'),
    'nats service deleted': deleting('service', 'nats'),
    'secret of an agent deleted': deleting('secret', 'agent-lead'),
    'secret of the key deleted': deleting('secret', 'anthropic-api-key'),
    'network policies deleted': deleting('networkpolicies', '--all'),
    // Until it is gone: its pods answer for a moment still.
    [namespaceDeleted]: async () => server.kubectl('delete', 'namespace', server.namespace),
    'server killed': async () => {
      await server.kill();
      await server.start();
    },
  };
}

/** Whether the API says of each agent that it runs exactly when its pod is ready. */
async function isTrue({ client, namespace }: KubernetesServer, id: string): Promise<boolean> {
  const [{ agents }, ready] = await Promise.all([client.team(id), readyPods(namespace)]);
  return agents.every(
    ({ slug, container_status }) => (container_status === 'running') === ready.includes(`agent-${slug}-0`),
  );
}

describe.skipIf(host === undefined)(suite('deploy, fault, stop, again and again (needs Kubernetes)'), () => {
  test(`nothing is left but the work (${cycles} cycles, seed ${seed})`, {
    timeout: 120_000 + cycles * 120_000,
  }, async () => {
    const random = createRandom(seed);
    await using server = await startKubernetesServer('sk-ant-test-0123456789');
    const { client } = server;
    const faults = faultsOf(server);
    const { id } = await client.createTeam(server.name);
    const stop = async () => client.call('POST', `/api/teams/${id}/stop`);
    const write = async () => server.inAgent('worker', 'echo precious > /workspace/work.txt');

    await client.deploy(id);
    await write();
    await stop();
    let fault = '';
    for (let cycle = 1; cycle <= cycles; cycle += 1) {
      fault = random.pick(Object.keys(faults));
      const early = random.next(2) === 0;
      const what = `cycle ${cycle}: ${fault} ${early ? 'during' : 'after'} the deploy`;
      console.info(what);
      await client.call('POST', `/api/teams/${id}/deploy`);
      if (!early) await client.untilStatus(id, 'running');
      await delay(random.next(soonMs));
      await faults[fault]?.().catch(() => undefined);
      if (early) {
        // The fault may fail the deploy, which then says why; the next one works.
        await stop();
        await client.deploy(id);
      } else {
        await waitFor(`the truth after ${what}`, async () => isTrue(server, id), { timeoutMs: truthMs });
      }
      expect(await server.says(id, what)).toBe(`You said: ${what}`);
      await client.untilWhole(id);
      if (fault === namespaceDeleted) await write();
      expect(await server.inAgent('worker', 'cat /workspace/work.txt'), what).toBe('precious');
      await stop();
      expect(await server.made(), what).toEqual(server.kept);
    }
    await client.call('DELETE', `/api/teams/${id}`);
    expect(await server.made()).toEqual([]);
  });
});
