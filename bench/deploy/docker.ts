import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

export const image = process.env.AGENT_IMAGE ?? 'agentcrew-sidecar:dev';

const mark = 'agentcrew.bench';

async function docker(...args: string[]): Promise<string> {
  return (await promisify(execFile)('docker', args, { maxBuffer: 10_000_000 })).stdout.trim();
}

/** Milliseconds until so many `docker run --detach` of the image, begun at once, have all returned. */
export async function runAtOnce(count: number, signal: AbortSignal): Promise<number> {
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

/** Removes what a server has left in the engine. */
export async function removeInstance(instance: string): Promise<void> {
  const label = `agentcrew.instance=${instance}`;
  await removeAll('ps --all --quiet', label, 'rm --force --volumes');
  await removeAll('network ls --quiet', label, 'network rm');
  await removeAll('volume ls --quiet', label, 'volume rm');
}

async function removeAll(list: string, label: string, remove: string): Promise<void> {
  const found = await docker(...list.split(' '), '--filter', `label=${label}`);
  if (found !== '') await docker(...remove.split(' '), ...found.split('\n'));
}
