import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import { messageOf, type Skill } from '@agentcrew/protocol';
import { pause } from '../pause.ts';

/** Characters of the installer's output that are kept: the last ones say what went wrong. */
const keptOutput = 64 * 1024;
const longestReason = 300;
const drainMs = 1_000;
/** How the installer, npm and git begin the line that says what is wrong; others, as a list of what there is, may follow. */
const telling = /■|\berror\b|\bfatal:/i;
/** What npm says last of every failure. */
const logHint = /complete log of this run/;

export interface InstallerRun {
  skill: Skill;
  /** It installs into `.claude/skills` of this folder. */
  folder: string;
  environment: Record<string, string>;
  timeoutMs: number;
  /** Told the id of its group of processes, and `undefined` when it has ended. */
  onGroup: (group: number | undefined) => void;
  signal: AbortSignal;
}

/** What it printed, and why it failed, if it did. */
export interface InstallerResult {
  output: string;
  problem?: string;
}

/** Runs the installer of skills to its end; it is killed, with all that it started, when its time is over. Never rejects. */
export async function runInstaller(run: InstallerRun): Promise<InstallerResult> {
  const { skill, folder, environment, timeoutMs, onGroup, signal } = run;
  const args = ['skills', 'add', skill.repo_url, '--skill', skill.skill_name, '--agent', 'claude-code', '-y'];
  // `--yes` answers npx, which asks before it fetches a package. In a group of its own, so that all of it can be ended.
  const child = spawn('npx', ['--yes', ...args], {
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  onGroup(child.pid);
  const read = collect(child);
  // From the beginning on: it may follow the exit at once.
  const closed = once(child, 'close').catch(() => undefined);
  const ending = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const onEnd = () => kill(child.pid);
  ending.addEventListener('abort', onEnd, { once: true });
  try {
    if (signal.aborted) onEnd();
    const [code, killedBy] = await once(child, 'exit');
    await lastWords(child, closed);
    const output = read();
    if (signal.aborted) return { output, problem: 'The agent was shut down meanwhile.' };
    if (ending.aborted) return { output, problem: `The installer did not end within ${timeoutMs / 1_000} s.` };
    return code === 0 ? { output } : { output, problem: failure(killedBy ?? `exit code ${code}`, output) };
  } catch (error) {
    return { output: read(), problem: `The installer cannot be run: ${messageOf(error)}` };
  } finally {
    ending.removeEventListener('abort', onEnd);
    onGroup(undefined);
  }
}

function collect(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (chunk: string) => {
      text = (text + chunk).slice(-keptOutput);
    });
  }
  return () => stripVTControlCharacters(text);
}

/** What it left behind may hold the pipes open: that is not waited for. */
async function lastWords(child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  kill(child.pid);
  await Promise.race([closed, pause(drainMs)]);
  child.stdout?.destroy();
  child.stderr?.destroy();
}

function failure(how: string, output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '' && !logHint.test(line));
  const line = lines.findLast((one) => telling.test(one)) ?? lines.at(-1);
  const said = line?.replace('■', '').trim().slice(0, longestReason);
  return `The installer ended with ${how}${said ? `: ${said}` : '.'}`;
}

function kill(group: number | undefined): void {
  try {
    if (group !== undefined) process.kill(-group, 'SIGKILL');
  } catch {
    // Gone by itself.
  }
}
