import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentMarkerVariable } from '@agentcrew/protocol';
import { hostProcesses } from '@agentcrew/runtime/local';

const goneMs = 5_000;

/** Ends what a server with this data folder left running: its agents and its nats-server outlive it by design. */
export async function endAgentsOf(dataDir: string): Promise<void> {
  for (const deadline = Date.now() + goneMs; Date.now() < deadline; await sleep(50)) {
    const pids = await processesOf(dataDir);
    if (pids.length === 0) return;
    for (const pid of pids) end(pid);
  }
  throw new Error(`processes of ${dataDir} cannot be ended`);
}

async function processesOf(dataDir: string): Promise<number[]> {
  const table = hostProcesses();
  const instance = await readFile(join(dataDir, 'instance-id'), 'utf8').catch(() => undefined);
  const servers = [...(await table.marked('AGENTCREW_NATS'))].filter(([, folder]) => folder === join(dataDir, 'nats'));
  const agents = [...(await table.marked(agentMarkerVariable))].filter(
    ([, marker]) => instance !== undefined && marker.startsWith(`${instance.trim()}/`),
  );
  return [...servers, ...agents].map(([pid]) => pid);
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone by itself.
  }
}
