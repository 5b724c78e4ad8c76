import { readdir, readFile } from 'node:fs/promises';
import type { ProcessEntry, ProcessTable } from './process-table.ts';

/** Reads a line of `/proc/<pid>/stat` (proc(5)); `undefined` for a zombie or a dead process. */
export function parseStat(line: string): ProcessEntry | undefined {
  // The command name is in parentheses and may itself hold spaces and parentheses.
  const end = line.lastIndexOf(')');
  const pid = Number.parseInt(line, 10);
  const [state, parent, ...rest] = line.slice(end + 2).split(' ');
  const startTime = rest[17];
  if (end < 0 || !Number.isInteger(pid) || !parent || !startTime) return undefined;
  if (state === 'Z' || state === 'X' || state === 'x') return undefined;
  return { pid, parent: Number(parent), start_time: startTime };
}

/** Value of a variable in the contents of `/proc/<pid>/environ`. */
export function parseEnviron(environ: string, variable: string): string | undefined {
  const prefix = `${variable}=`;
  const entry = environ.split('\0').find((candidate) => candidate.startsWith(prefix));
  return entry?.slice(prefix.length);
}

async function readProc(pid: number, file: string): Promise<string> {
  // A process may end, or belong to somebody else, between the listing and the reading.
  return await readFile(`/proc/${pid}/${file}`, 'latin1').catch(() => '');
}

async function pids(): Promise<number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
}

export const linuxProcesses: ProcessTable = {
  async identify(pid) {
    const entry = parseStat(await readProc(pid, 'stat'));
    return entry && { pid: entry.pid, start_time: entry.start_time };
  },

  async list() {
    const entries = await Promise.all((await pids()).map(async (pid) => parseStat(await readProc(pid, 'stat'))));
    return entries.filter((entry) => entry !== undefined);
  },

  async marked(variable) {
    const found = new Map<number, string>();
    await Promise.all(
      (await pids()).map(async (pid) => {
        const value = parseEnviron(await readProc(pid, 'environ'), variable);
        if (value !== undefined) found.set(pid, value);
      }),
    );
    return found;
  },
};
