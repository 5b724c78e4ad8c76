import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CrewError, messageOf } from '@agentcrew/protocol';
import { findClaude } from './find-claude.ts';

/** On a machine on which many agents start at once, what takes 30 ms can take seconds. */
const answerMs = 30_000;

/**
 * Runs the CLI to ask for its version, which costs a fraction of a start and finds the same troubles: a program that is
 * missing, or made for another system. Resolves with the version; rejects with CrewError `CLI_NOT_FOUND` or `CLI_FAILED`.
 */
export async function checkClaude(executable: string = findClaude()): Promise<string> {
  const options = {
    env: { PATH: process.env.PATH },
    timeout: answerMs,
    killSignal: 'SIGKILL',
    maxBuffer: 10_000,
  } as const;
  try {
    const { stdout } = await promisify(execFile)(executable, ['--version'], options);
    return stdout.trim();
  } catch (error) {
    throw new CrewError('CLI_FAILED', `The Claude Code CLI cannot be run: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'number' ? `it ended with exit code ${code}` : messageOf(error);
}
