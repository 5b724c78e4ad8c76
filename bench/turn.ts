import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@agentcrew/protocol';
import { startScriptedModel, temporaryFolder } from '@agentcrew/testkit';
import { limitLine } from './shared/limits.ts';
import { machine } from './shared/machine.ts';
import { type Options, readOptions } from './shared/options.ts';
import { startBareCli, startProcessPerMessage } from './turn/bare-cli.ts';
import { limitsOf } from './turn/limits.ts';
import { startProduct } from './turn/product.ts';
import { mediansOf, type Samples, table } from './turn/report.ts';

const startMs = 180_000;
const roundMs = 30_000;
/** Between two turns, so that none pays for what the one before still has to tidy up. */
const settleMs = 200;
const instructions = 'You are the leader of a team. You answer the user.';

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}

/** Whether all limits are kept. */
async function main(): Promise<boolean> {
  const options = readOptions(process.argv.slice(2), process.env, { rounds: 30, warmUp: 3 });
  const host = machine();
  const { cores, cpu, load, node, claude, nats } = host;
  console.log(`${cores} cores (${cpu}), load ${load.join(' ')}; Node ${node}, Claude Code ${claude}, ${nats}`);
  const samples = await measure(options);
  const { product, bare, spawned } = samples;
  const medians = { product: mediansOf(product), bare: mediansOf(bare), spawned: mediansOf(spawned) };
  const limits = limitsOf(medians);
  const pass = limits.every(({ kept }) => kept);
  console.log(`\n${table(samples)}\n`);
  for (const limit of limits) console.log(limitLine(limit));
  console.log(`\n${JSON.stringify({ rounds: options.rounds, ...host, medians_ms: medians, pass })}`);
  return pass;
}

/** All ways in turn in every round, so that what else the machine does hits them alike. */
async function measure({ rounds, warmUp }: Options): Promise<Samples> {
  const interrupted = new AbortController();
  const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(startMs + (warmUp + rounds) * roundMs)]);
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => interrupted.abort(new Error(`ended by ${name}`)));
  await using folder = await temporaryFolder();
  await using model = await startScriptedModel();
  const setting = (name: string) => ({ model, folder: join(folder.path, name), instructions, signal });
  console.log('starting the server with a team of one, and the bare CLI …');
  await using product = await startProduct(setting('product'));
  await using bare = await startBareCli(setting('bare'));
  await using spawned = await startProcessPerMessage(setting('spawned'));
  const samples: Samples = { product: [], bare: [], spawned: [] };
  for (let round = 1 - warmUp; round <= rounds; round += 1) {
    for (const [name, way] of Object.entries({ product, bare, spawned })) {
      const sample = await way.turn(`Message ${round} to ${name}`);
      if (round > 0) samples[name as keyof Samples].push(sample);
      await sleep(settleMs, undefined, { signal });
    }
    if (round > 0 && round % 10 === 0) console.log(`${round} of ${rounds} rounds`);
  }
  return samples;
}
