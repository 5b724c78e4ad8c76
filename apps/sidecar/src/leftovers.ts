import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentMarkerVariable } from '@agentcrew/protocol';

/** How long the ended processes may take to be gone, in milliseconds. */
const goneWithinMs = 2_000;

/**
 * Ends what an earlier CLI of this agent left behind: commands live in sessions of their own and survive a CLI that
 * was killed. They are known by the marker in their environment. This process and its ancestors are spared: in a
 * container all of them carry the marker. Call it only while no CLI runs. Does nothing where there is no /proc.
 *
 * @param sparedGroup a group of processes that is none of a CLI's
 * @returns how many processes were ended
 */
export async function endLeftovers(marker: string, sparedGroup?: number): Promise<number> {
  const spared = await ancestors(process.pid);
  const ended: number[] = [];
  // A process can start another one while the list is being read; so it is read until it stays empty.
  for (let deadline = performance.now() + goneWithinMs; performance.now() < deadline; ) {
    const found = (await marked(marker)).filter((pid) => !spared.has(pid));
    const alive = sparedGroup === undefined ? found : await outside(found, sparedGroup);
    if (alive.length === 0) break;
    for (const pid of alive) kill(pid);
    ended.push(...alive.filter((pid) => !ended.includes(pid)));
    // Keeps the process alive: at its start nothing else does yet.
    await sleep(20);
  }
  return ended.length;
}

/** Pids of all processes with the marker; zombies have no environment any more. */
async function marked(marker: string): Promise<number[]> {
  const entry = `${agentMarkerVariable}=${marker}`;
  const pids = (await readdir('/proc').catch(() => [])).map(Number).filter((pid) => Number.isInteger(pid) && pid > 0);
  const environments = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')));
  return pids.filter((_, index) => environments[index]?.split('\0').includes(entry));
}

async function ancestors(pid: number): Promise<Set<number>> {
  const chain = new Set<number>();
  for (let current = pid; current > 0 && !chain.has(current); current = await parentOf(current)) chain.add(current);
  return chain;
}

async function parentOf(pid: number): Promise<number> {
  const [, parent] = await statOf(pid);
  return Number(parent ?? 0);
}

async function outside(pids: number[], group: number): Promise<number[]> {
  const groups = await Promise.all(pids.map(async (pid) => Number((await statOf(pid))[2])));
  return pids.filter((_, index) => groups[index] !== group);
}

/** State, parent, group, … (proc(5)). */
async function statOf(pid: number): Promise<string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name in the second field may hold blanks and parentheses; what follows its last one does not.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone by itself.
  }
}
