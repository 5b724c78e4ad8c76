import { type ChildProcess, spawn } from 'node:child_process';
import { messageOf } from '@agentcrew/protocol';
import { openLog } from './log-files.ts';

export interface DetachedOptions {
  command: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  /** Files that the child appends its output to; they may be one and the same. */
  stdout: string;
  stderr: string;
  /** Written to the child's standard input, which then ends. */
  input?: string;
}

/** A child of ours in a session of its own. `exit` holds, once it has ended, how: `exit code 1`, `SIGKILL`. */
export interface DetachedChild {
  /** Absent when it could not be started; `exit` then says why. */
  pid: number | undefined;
  exit: string | undefined;
}

/**
 * Starts a process that outlives this one: a session and process group of its own, output to files instead of pipes.
 * Resolves as soon as the process exists.
 */
export async function spawnDetached(options: DetachedOptions): Promise<DetachedChild> {
  const stdout = await openLog(options.stdout);
  const stderr = await openLog(options.stderr);
  try {
    const child = spawn(options.command, options.args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', stdout.fd, stderr.fd],
    });
    const handle = track(child);
    // A child that ends before it has read its input says why in its log; the broken pipe adds nothing.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input);
    child.unref();
    return handle;
  } finally {
    await stdout.close();
    await stderr.close();
  }
}

function track(child: ChildProcess): DetachedChild {
  const handle: DetachedChild = { pid: child.pid, exit: undefined };
  child.once('error', (error) => {
    handle.exit ??= messageOf(error);
  });
  child.once('exit', (code, signal) => {
    handle.exit ??= signal ?? `exit code ${code}`;
  });
  return handle;
}
