import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { atMost } from '../shared/limits.ts';
import { image, mark, type Place } from './place.ts';

export const onDocker: Place = {
  runtime: 'docker',
  bare: 'docker run',
  env: { RUNTIME: 'docker', AGENT_IMAGE: image },
  roundMs: 120_000,
  runAtOnce,
  removeInstance,
  limits: (medians) =>
    medians
      .filter(({ agents }) => agents === 10)
      .map(({ deploy, all }) =>
        atMost('a team of 10, at most 2 × ten `docker run` at once + 2 s', deploy, 2 * all + 2_000),
      ),
};

async function docker(...args: string[]): Promise<string> {
  return (await promisify(execFile)('docker', args, { maxBuffer: 10_000_000 })).stdout.trim();
}

/** Until all `docker run --detach` have returned. */
async function runAtOnce(count: number, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  const label = `${mark}=${randomBytes(4).toString('hex')}`;
  const run = async () => docker('run', '--detach', '--label', label, image, 'sleep', '600');
  try {
    const began = performance.now();
    await Promise.all(Array.from({ length: count }, run));
    return performance.now() - began;
  } finally {
    await removeAll('ps --all --quiet', label, 'rm --force --volumes');
  }
}

async function removeInstance(instance: string): Promise<void> {
  const label = `agentcrew.instance=${instance}`;
  await removeAll('ps --all --quiet', label, 'rm --force --volumes');
  await removeAll('network ls --quiet', label, 'network rm');
  await removeAll('volume ls --quiet', label, 'volume rm');
}

async function removeAll(list: string, label: string, remove: string): Promise<void> {
  const found = await docker(...list.split(' '), '--filter', `label=${label}`);
  if (found !== '') await docker(...remove.split(' '), ...found.split('\n'));
}
