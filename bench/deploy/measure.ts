import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from '@agentcrew/testkit';
import { createTeam, deploy } from '../shared/deploy.ts';
import type { Options } from '../shared/options.ts';
import { type Server, startServer } from '../shared/server.ts';
import type { Place, Sample } from './place.ts';

const startMs = 120_000;
/** Between two measurements, so that none pays for what the one before still has to tidy up. */
const settleMs = 1_000;

/** Every size in every round, beside the bare way, so that what else the machine does hits them alike. */
export async function measure(place: Place, sizes: readonly number[], options: Options): Promise<Sample[]> {
  const { rounds, warmUp } = options;
  const interrupted = new AbortController();
  const deadline = AbortSignal.timeout(startMs + (warmUp + rounds) * place.roundMs);
  const signal = AbortSignal.any([interrupted.signal, deadline]);
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => interrupted.abort(new Error(`ended by ${name}`)));
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, 'data');
  const tidyUp = async () => place.removeInstance((await readFile(join(dataDir, 'instance-id'), 'utf8')).trim());
  await using server = await startServer({
    dataDir,
    // Nobody talks to these agents: the address leads nowhere.
    env: { ...place.env, ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' },
    endLeftovers: tidyUp,
    signal,
  });
  const samples: Sample[] = [];
  for (let round = 1 - warmUp; round <= rounds; round += 1) {
    for (const agents of sizes) {
      const sample = { agents, ...(await measureOnce(place, server, agents, signal)) };
      await tidyUp();
      await sleep(settleMs, undefined, { signal });
      if (round > 0) samples.push(sample);
    }
    console.log(round > 0 ? `${round} of ${rounds} rounds` : 'warmed up');
  }
  return samples;
}

async function measureOnce(
  place: Place,
  server: Server,
  agents: number,
  signal: AbortSignal,
): Promise<Omit<Sample, 'agents'>> {
  const one = await place.runAtOnce(1, signal);
  await sleep(settleMs, undefined, { signal });
  const all = await place.runAtOnce(agents, signal);
  await sleep(settleMs, undefined, { signal });
  const team = await createTeam(server, `bench-${randomBytes(4).toString('hex')}`, {}, agents - 1);
  const began = performance.now();
  await deploy(server, team, signal);
  const took = performance.now() - began;
  await server.call('POST', `/api/teams/${team}/stop`);
  await server.call('DELETE', `/api/teams/${team}`);
  return { one, all, deploy: took };
}
