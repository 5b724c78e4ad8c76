import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '@agentcrew/testkit';

/** Folder with the pid files of the cluster's own daemons (`kubelet.pid`), when they run on this machine and may be restarted. */
const folder = process.env.TEST_CLUSTER_DAEMONS;

export const hasDaemons = folder !== undefined && existsSync(join(folder, 'kubelet.pid'));

/** Kills a daemon of the cluster and starts it again as it was. @param meanwhile done while it is away */
export async function restartDaemon(name: string, meanwhile: () => Promise<void>): Promise<void> {
  const pidFile = join(folder ?? '', `${name}.pid`);
  const pid = Number(await readFile(pidFile, 'utf8'));
  const [program = '', ...args] = await fieldsOf(pid, 'cmdline');
  const env = Object.fromEntries((await fieldsOf(pid, 'environ')).map((pair) => pair.split(/=(.*)/s, 2)));
  const cwd = await readlink(`/proc/${pid}/cwd`);
  process.kill(pid, 'SIGKILL');
  await waitFor('the daemon to be gone', async () => (await fieldsOf(pid, 'cmdline').catch(() => [])).length === 0);
  try {
    await meanwhile();
  } finally {
    const child = spawn(program, args, { cwd, env, detached: true, stdio: 'ignore' });
    child.unref();
    await writeFile(pidFile, `${child.pid}\n`);
  }
}

/** Stops the processes of a program in a pod of this machine, as if they hung. */
export async function freezeInPod(uid: string, program: string): Promise<void> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const isMeant = async (pid: number) => {
    const [name] = await fieldsOf(pid, 'cmdline');
    // The systemd driver of cgroups writes a uid with other dashes.
    return name === program && (await readFile(`/proc/${pid}/cgroup`, 'utf8')).replaceAll('_', '-').includes(uid);
  };
  for (const pid of pids) if (await isMeant(pid).catch(() => false)) process.kill(pid, 'SIGSTOP');
}

/** The parts of a file in /proc; none of a process that has ended. */
async function fieldsOf(pid: number, file: string): Promise<string[]> {
  return (await readFile(`/proc/${pid}/${file}`, 'utf8')).split('\0').filter((part) => part !== '');
}
