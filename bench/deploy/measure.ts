import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from '@agentcrew/testkit';
import { createTeam, deploy } from '../shared/deploy.ts';
import type { Options } from '../shared/options.ts';
import { type Server, startServer } from '../shared/server.ts';
import { image, removeInstance, runAtOnce } from './docker.ts';

/** What one team took, in milliseconds. */
export interface Sample {
  agents: number;
  /** From `POST /deploy` until the team runs. */
  deploy: number;
  /** `docker run` of the agents' image, once. */
  one: number;
  /** The same as many times at once as the team has agents. */
  all: number;
}

const startMs = 120_000;
const roundMs = 120_000;
/** Between two measurements, so that none pays for what the one before still has to tidy up. */
const settleMs = 1_000;

/** Every size in every round, beside `docker run`, so that what else the machine does hits them alike. */
export async function measure(sizes: readonly number[], { rounds, warmUp }: Options): Promise<Sample[]> {
  const interrupted = new AbortController();
  const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(startMs + (warmUp + rounds) * roundMs)]);
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => interrupted.abort(new Error(`ended by ${name}`)));
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, 'data');
  await using server = await startServer({
    dataDir,
    // Nobody talks to these agents: the address leads nowhere.
    env: { RUNTIME: 'docker', AGENT_IMAGE: image, ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' },
    endLeftovers: async () => removeInstance((await readFile(join(dataDir, 'instance-id'), 'utf8')).trim()),
    signal,
  });
  const samples: Sample[] = [];
  for (let round = 1 - warmUp; round <= rounds; round += 1) {
    for (const agents of sizes) {
      const sample = { agents, ...(await measureOnce(server, agents, signal)) };
      if (round > 0) samples.push(sample);
    }
    console.log(round > 0 ? `${round} of ${rounds} rounds` : 'warmed up');
  }
  return samples;
}

async function measureOnce(server: Server, agents: number, signal: AbortSignal): Promise<Omit<Sample, 'agents'>> {
  const one = await runAtOnce(1, signal);
  await sleep(settleMs, undefined, { signal });
  const all = await runAtOnce(agents, signal);
  await sleep(settleMs, undefined, { signal });
  const team = await createTeam(server, `bench-${randomBytes(4).toString('hex')}`, {}, agents - 1);
  const began = performance.now();
  await deploy(server, team, signal);
  const took = performance.now() - began;
  await server.call('POST', `/api/teams/${team}/stop`);
  await server.call('DELETE', `/api/teams/${team}`);
  await sleep(settleMs, undefined, { signal });
  return { one, all, deploy: took };
}
