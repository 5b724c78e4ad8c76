import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CrewError, messageOf } from '@agentcrew/protocol';
import type { ClaudeOptions } from './claude.ts';
import { buildArguments } from './command-line.ts';
import { buildEnvironment, credentialOf } from './environment.ts';
import { findClaude, isExecutable, onPath } from './find-claude.ts';
import { prepareSession } from './session-file.ts';

/** How long a terminated CLI may take before it is killed. */
const killAfterMs = 5000;

/** Starts the CLI's process; `exit` resolves at its end. Rejects with CrewError `CLI_NOT_FOUND` or `CLI_FAILED` when that is not possible. */
export async function launch(options: ClaudeOptions) {
  const executable = options.executable ?? findClaude();
  if (!isExecutable(executable)) throw new CrewError('CLI_NOT_FOUND', `There is no program at ${executable}.`);
  const instructionsFile = join(options.configDir, 'instructions.txt');
  await mkdir(options.configDir, { recursive: true, mode: 0o700 });
  await writeFile(instructionsFile, options.instructions, { mode: 0o600 });
  const sessionFlag = await prepareSession(options.configDir, options.sessionId);
  const [file = executable, ...args] = [
    ...endWithParent(),
    executable,
    ...buildArguments(options, sessionFlag, instructionsFile),
  ];
  const credential = credentialOf(options);
  // Loaded with the first CLI: its hundred modules would be a fifth of the start of an agent that nobody talks to yet.
  const { execa } = await import('execa');
  const child = execa(file, args, {
    cwd: options.cwd,
    env: buildEnvironment(options),
    extendEnv: false,
    // The credential is on descriptor 3 (see `credentialDescriptor`), which tools do not inherit.
    stdio: ['pipe', 'pipe', 'pipe', ...(credential ? [new TextEncoder().encode(credential.value)] : [])],
    buffer: false,
    reject: false,
    forceKillAfterDelay: killAfterMs,
  });
  const { pid, stdin, stdout, stderr } = child;
  if (pid === undefined) {
    const { cause } = await child;
    throw new CrewError('CLI_FAILED', `The Claude Code CLI could not be started: ${messageOf(cause)}`, { cause });
  }
  const exit = new Promise<{ exitCode?: number; signal?: string }>((resolve) => {
    child.nodeChildProcess.once('exit', (exitCode, signal) =>
      resolve({ exitCode: exitCode ?? undefined, signal: signal ?? undefined }),
    );
  });
  return { pid, stdin, stdout, stderr, exit, terminate: () => child.kill() };
}

/**
 * Lets the kernel end the CLI when this process dies, however that happens. Linux only. At once: a CLI that is told to
 * end takes its closed input for the failure of the calls in flight, and may still record an answer that says so.
 */
function endWithParent(): string[] {
  const setpriv = process.platform === 'linux' ? onPath('setpriv') : undefined;
  return setpriv ? [setpriv, '--pdeathsig', 'KILL', '--'] : [];
}
