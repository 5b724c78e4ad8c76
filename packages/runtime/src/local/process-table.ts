import { linuxProcesses } from './linux-processes.ts';
import { macosProcesses } from './macos-processes.ts';

/**
 * A process that cannot be mistaken for a later one of the same number. `start_time` is opaque: what the platform
 * tells about the start, comparable on this host only.
 */
export interface ProcessIdentity {
  pid: number;
  start_time: string;
}

export interface ProcessEntry extends ProcessIdentity {
  /** Pid of the parent. */
  parent: number;
}

/** The host's processes. Zombies count as dead: they do nothing and wait only for their parent to notice. */
export interface ProcessTable {
  /** `undefined` when there is no such process, or only its zombie. */
  identify(pid: number): Promise<ProcessIdentity | undefined>;
  list(): Promise<ProcessEntry[]>;
  /** Value of the environment variable for every process that has it, by pid; others' processes cannot be read. */
  marked(variable: string): Promise<Map<number, string>>;
}

/** The table of this host. */
export function hostProcesses(): ProcessTable {
  return process.platform === 'linux' ? linuxProcesses : macosProcesses;
}

/** Whether exactly this process still runs. */
export async function isAlive(table: ProcessTable, identity: ProcessIdentity): Promise<boolean> {
  const found = await table.identify(identity.pid);
  return found?.start_time === identity.start_time;
}
