import { describe } from 'vitest';
import { describeRuntimeContract } from '../src/contract.ts';
import { kubeconfig, openKubernetes, randomTeam } from './kubernetes-fixture.ts';

describe.skipIf(!kubeconfig)('with a cluster (needs Kubernetes)', () => {
  describeRuntimeContract('kubernetes', async () => {
    const fixture = await openKubernetes({ readyTimeoutMs: 15_000 });
    return {
      runtime: fixture.runtime,
      teams: { crew: randomTeam(), other: randomTeam() },
      logLine: 'agent speaks',
      behaviours: ['ready', 'never-ready', 'exit'],
      replacesChanged: true,
      healsItself: true,
      async incarnation(id) {
        const pod = await fixture.podOf(id);
        const container = pod?.status?.containerStatuses?.[0];
        return container?.state?.running ? `${pod?.metadata?.uid} ${container.restartCount}` : undefined;
      },
      kill: async (id) => fixture.kill(id),
      workspace: {
        async write(team, file) {
          await fixture.inWorkspace(team, `touch /volume/${file}`);
        },
        has: async (team, file) => fixture.inWorkspace(team, `test -e /volume/${file}`),
      },
      [Symbol.asyncDispose]: async () => fixture[Symbol.asyncDispose](),
    };
  });
});
