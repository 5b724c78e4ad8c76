import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Engine } from './engine.ts';
import { ifPresent } from './engine-errors.ts';

/** The engine puts the files that it gives a container, such as /etc/hosts, into a folder named after its id. */
const mountOfContainer = /\/containers\/([0-9a-f]{64})\//;

/**
 * Id of the container that this process runs in; `undefined` on a host, and in a container of another engine.
 */
export async function findOwnContainer(engine: Engine): Promise<string | undefined> {
  if (!existsSync('/.dockerenv')) return undefined;
  const mounts = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  for (const id of [mountOfContainer.exec(mounts)?.[1], hostname()]) {
    const found = id && (await ifPresent(engine.calls.getContainer(id).inspect()));
    if (found) return found.Id;
  }
  return undefined;
}
