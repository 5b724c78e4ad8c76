import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ProcessEntry, ProcessTable } from './process-table.ts';

const run = promisify(execFile);

async function ps(...args: string[]): Promise<string> {
  // `lstart` is printed in the local zone and language: both are fixed, so that two readings compare equal.
  const env = { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' };
  const answer = await run('ps', args, { env, timeout: 5_000, maxBuffer: 64 * 1024 * 1024 }).catch(() => undefined);
  return answer?.stdout ?? '';
}

/** Reads the lines of `ps -o pid=,ppid=,stat=,lstart=`, without zombies. */
export function parsePs(text: string): ProcessEntry[] {
  return text.split('\n').flatMap((line) => {
    const [pid, parent, state, ...start] = line.trim().split(/\s+/);
    if (!pid || !parent || !state || state.startsWith('Z') || start.length === 0) return [];
    return [{ pid: Number(pid), parent: Number(parent), start_time: start.join(' ') }];
  });
}

/** Reads the lines of `ps -E -o pid=,command=`, where the environment follows the arguments. */
export function parseEnvironments(text: string, variable: string): Map<number, string> {
  const pattern = new RegExp(`^\\s*(\\d+)\\s.*\\s${variable}=(\\S*)`);
  const found = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [, pid, value] = pattern.exec(line) ?? [];
    if (pid !== undefined && value !== undefined) found.set(Number(pid), value);
  }
  return found;
}

export const macosProcesses: ProcessTable = {
  async identify(pid) {
    const [entry] = parsePs(await ps('-o', 'pid=,ppid=,stat=,lstart=', '-p', String(pid)));
    return entry && { pid: entry.pid, start_time: entry.start_time };
  },

  async list() {
    return parsePs(await ps('-axo', 'pid=,ppid=,stat=,lstart='));
  },

  /** Best effort: macOS hides the environment of its own hardened binaries. */
  async marked(variable) {
    return parseEnvironments(await ps('-E', '-ww', '-axo', 'pid=,command='), variable);
  },
};
