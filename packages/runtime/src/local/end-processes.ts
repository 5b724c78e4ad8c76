import { setTimeout as sleep } from 'node:timers/promises';
import { CrewError } from '@agentcrew/protocol';
import { isAlive, type ProcessIdentity, type ProcessTable } from './process-table.ts';

const pollMs = 25;
/** How long what a process left behind may take to end by itself, and how often it is hunted after that. */
const leftoversGraceMs = 2_000;
const killRounds = 5;
const killRoundMs = 1_000;

async function survivors(table: ProcessTable, processes: ProcessIdentity[]): Promise<ProcessIdentity[]> {
  const alive = await Promise.all(processes.map((identity) => isAlive(table, identity)));
  return processes.filter((_, index) => alive[index]);
}

/** Resolves with those still alive after `timeoutMs`, as soon as none is. */
async function waitForEnd(table: ProcessTable, processes: ProcessIdentity[], timeoutMs: number) {
  const deadline = Date.now() + timeoutMs;
  let left = await survivors(table, processes);
  while (left.length > 0 && Date.now() < deadline) {
    await sleep(pollMs);
    left = await survivors(table, left);
  }
  return left;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already, or not ours: whoever waits for its end sees which.
  }
}

/**
 * Asks a process to end, waits, then kills its whole process group.
 * @throws CrewError RUNTIME_FAILED when it outlives even that
 */
export async function endProcess(table: ProcessTable, root: ProcessIdentity, graceMs: number): Promise<void> {
  if (!(await isAlive(table, root))) return;
  send(root.pid, 'SIGTERM');
  const [left] = await waitForEnd(table, [root], graceMs);
  if (!left) return;
  send(-root.pid, 'SIGKILL');
  send(root.pid, 'SIGKILL');
  const [unkillable] = await waitForEnd(table, [root], killRounds * killRoundMs);
  if (unkillable) throw new CrewError('RUNTIME_FAILED', `process ${root.pid} does not end`);
}

/** The processes whose environment marks them as `marker`, or that descend from such a one or from `root`. */
async function family(table: ProcessTable, variable: string, marker: string, root?: ProcessIdentity) {
  const [entries, marks] = await Promise.all([table.list(), table.marked(variable)]);
  const parents = new Map(entries.map((entry) => [entry.pid, entry.parent]));
  const starts = new Map(entries.map((entry) => [entry.pid, entry.start_time]));
  const spared = new Set<number>([1]);
  for (let pid: number | undefined = process.pid; pid !== undefined && pid > 1; pid = parents.get(pid)) spared.add(pid);

  // The number alone could be a stranger's by now.
  const isRoot = (pid: number) => pid === root?.pid && starts.get(pid) === root.start_time;
  const belongs = (pid: number): boolean => {
    for (let current: number | undefined = pid; current !== undefined && current > 1; current = parents.get(current)) {
      if (spared.has(current)) return false;
      if (isRoot(current) || marks.get(current) === marker) return true;
    }
    return false;
  };
  return entries.filter((entry) => belongs(entry.pid));
}

/**
 * Ends a process with everything it started, also what has left its process group and session. This process and
 * its parents are never touched.
 * @param marker value of the environment variable `variable` in the processes that belong together
 * @throws CrewError RUNTIME_FAILED when something outlives SIGKILL
 */
export async function endFamily(
  table: ProcessTable,
  variable: string,
  marker: string,
  root: ProcessIdentity | undefined,
  graceMs: number,
): Promise<void> {
  const before = await family(table, variable, marker, root);
  if (root) await endProcess(table, root, graceMs);
  const known = new Map(before.map((entry) => [`${entry.pid} ${entry.start_time}`, entry]));
  const collect = async () => {
    // What lost its marker is known from before; what was forked since is found by its marker.
    for (const entry of await family(table, variable, marker)) known.set(`${entry.pid} ${entry.start_time}`, entry);
    return await survivors(table, [...known.values()]);
  };
  let left = await collect();
  for (const { pid } of left) send(pid, 'SIGTERM');
  await waitForEnd(table, left, leftoversGraceMs);
  for (let round = 0; round < killRounds; round++) {
    left = await collect();
    if (left.length === 0) return;
    for (const { pid } of left) send(pid, 'SIGKILL');
    await waitForEnd(table, left, killRoundMs);
  }
  left = await collect();
  if (left.length > 0) {
    throw new CrewError(
      'RUNTIME_FAILED',
      `processes of ${marker} do not end: ${left.map(({ pid }) => pid).join(', ')}`,
    );
  }
}
