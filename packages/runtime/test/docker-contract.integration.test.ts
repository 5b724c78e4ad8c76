import { describe } from 'vitest';
import { describeRuntimeContract } from '../src/contract.ts';
import { docker, hasDocker, inVolume, openDocker } from './docker-fixture.ts';

describe.skipIf(!hasDocker)('with Docker Engine (needs Docker)', () => {
  describeRuntimeContract('docker', async () => {
    const fixture = await openDocker({ readyTimeoutMs: 15_000 });
    return {
      runtime: fixture.runtime,
      logLine: 'agent speaks',
      behaviours: ['ready', 'never-ready', 'exit'],
      replacesChanged: true,
      async incarnation(id) {
        const container = await fixture.containerOf(id);
        return container?.State.Running ? `${container.Id} ${container.State.StartedAt}` : undefined;
      },
      async kill(id) {
        const container = await fixture.containerOf(id);
        if (container) await docker.getContainer(container.Id).kill();
      },
      workspace: {
        async write(team, file) {
          await inVolume(`team-${team}-workspace`, `touch /volume/${file}`);
        },
        has: async (team, file) => inVolume(`team-${team}-workspace`, `test -e /volume/${file}`),
      },
      [Symbol.asyncDispose]: async () => fixture[Symbol.asyncDispose](),
    };
  });
});
