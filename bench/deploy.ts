import { messageOf } from '@agentcrew/protocol';
import { measure } from './deploy/measure.ts';
import { limitsOf, mediansOf, table } from './deploy/report.ts';
import { limitLine } from './shared/limits.ts';
import { machine } from './shared/machine.ts';
import { readOptions } from './shared/options.ts';

/** Agents of the teams that are deployed. */
const sizes = [1, 5, 10, 20];
const defaults = { rounds: 5, warmUp: 1 };

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}

/** Whether all limits are kept. */
async function main(): Promise<boolean> {
  const options = readOptions(process.argv.slice(2), process.env, defaults);
  const host = machine();
  console.log(`${host.cores} cores (${host.cpu}), load ${host.load.join(' ')}; Node ${host.node}`);
  const samples = await measure(sizes, options);
  const medians = mediansOf(samples);
  const limits = limitsOf(medians);
  const pass = limits.every(({ kept }) => kept);
  console.log(`\n${table(medians)}\n`);
  for (const limit of limits) console.log(limitLine(limit));
  console.log(`\n${JSON.stringify({ rounds: options.rounds, ...host, medians_ms: medians, pass })}`);
  return pass;
}
