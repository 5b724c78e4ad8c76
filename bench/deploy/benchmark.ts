import { messageOf } from '@agentcrew/protocol';
import { limitLine } from '../shared/limits.ts';
import { machine } from '../shared/machine.ts';
import { readOptions } from '../shared/options.ts';
import { measure } from './measure.ts';
import type { Place } from './place.ts';
import { mediansOf, table } from './report.ts';

/** Agents of the teams that are deployed. */
const sizes = [1, 5, 10, 20];
const defaults = { rounds: 5, warmUp: 1 };

/** Measures and reports; the process's exit code says whether all limits are kept. */
export async function benchmark(open: () => Place): Promise<void> {
  try {
    process.exitCode = (await run(open())) ? 0 : 1;
  } catch (error) {
    console.error(messageOf(error));
    process.exitCode = 1;
  }
}

async function run(place: Place): Promise<boolean> {
  const options = readOptions(process.argv.slice(2), process.env, defaults);
  const host = machine();
  console.log(`${host.cores} cores (${host.cpu}), load ${host.load.join(' ')}; Node ${host.node}`);
  const medians = mediansOf(await measure(place, sizes, options));
  const limits = place.limits(medians);
  const pass = limits.every(({ kept }) => kept);
  console.log(`\n${table(medians, place.bare)}\n`);
  for (const limit of limits) console.log(limitLine(limit));
  const { runtime } = place;
  console.log(`\n${JSON.stringify({ runtime, rounds: options.rounds, ...host, medians_ms: medians, pass })}`);
  return pass;
}
