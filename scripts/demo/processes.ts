import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentMarkerVariable } from '@agentcrew/protocol';
import { hostProcesses } from '@agentcrew/runtime/local';

const goneMs = 5_000;

/** Every process that belongs to a server with this data folder, by pid: `nats-server`, or the agent's name. */
export async function processesOf(dataDir: string): Promise<Map<number, string>> {
  const table = hostProcesses();
  const instance = await readFile(join(dataDir, 'instance-id'), 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
  const found = new Map<number, string>();
  for (const [pid, folder] of await table.marked('AGENTCREW_NATS')) {
    if (folder === join(dataDir, 'nats')) found.set(pid, 'nats-server');
  }
  for (const [pid, marker] of await table.marked(agentMarkerVariable)) {
    const [owner, , agent = ''] = marker.split('/');
    if (owner === instance) found.set(pid, agent);
  }
  return found;
}

/** Ends what is left of a server that could not clean up; resolves with the number of processes it had to end. */
export async function endLeftovers(dataDir: string): Promise<number> {
  const ended = new Set<number>();
  for (let deadline = Date.now() + goneMs; Date.now() < deadline; await sleep(50)) {
    const left = await processesOf(dataDir);
    if (left.size === 0) break;
    for (const pid of left.keys()) {
      ended.add(pid);
      kill(pid);
    }
  }
  return ended.size;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone by itself.
  }
}
