import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe } from 'vitest';
import { describeRuntimeContract } from '../src/contract.ts';
import { exists, hasNatsServer, openLocal } from './local-fixture.ts';

describe.skipIf(!hasNatsServer)('with nats-server (needs nats-server)', () => {
  describeRuntimeContract('local', async () => {
    const fixture = await openLocal({ readyTimeoutMs: 15_000 });
    const { runtime, dataDir } = fixture;
    const workspaceFile = (team: string, file: string) => join(dataDir, 'teams', team, 'workspace', file);
    return {
      runtime,
      logLine: 'agent speaks',
      behaviours: ['ready', 'never-ready', 'exit'],
      replacesChanged: true,
      async incarnation(id) {
        const pid = await fixture.pidOf(id);
        return pid === undefined ? undefined : await readFile(fixture.stateFile(id, 'process.json'), 'utf8');
      },
      async kill(id) {
        const pid = await fixture.pidOf(id);
        if (pid) process.kill(pid, 'SIGKILL');
      },
      workspace: {
        write: async (team, file) => writeFile(workspaceFile(team, file), 'work'),
        has: async (team, file) => exists(workspaceFile(team, file)),
      },
      [Symbol.asyncDispose]: async () => fixture[Symbol.asyncDispose](),
    };
  });
});
