import { accessSync, constants, mkdirSync } from 'node:fs';
import type { AgentSpec } from '@agentcrew/protocol';
import { cliFolders } from './claude-options.ts';
import { ConfigError } from './config.ts';

/**
 * Creates the agent's folders where they are missing; the state is for nobody else's eyes.
 * @throws ConfigError with one line for each folder that cannot be written to.
 */
export function prepareFolders(spec: Pick<AgentSpec, 'state_dir' | 'workspace'>): void {
  const { home, configDir } = cliFolders(spec.state_dir);
  const problems = [
    prepare('state_dir', spec.state_dir, 0o700) ??
      prepare('state_dir', home, 0o700) ??
      prepare('state_dir', configDir, 0o700),
    prepare('workspace', spec.workspace, 0o755),
  ].filter((problem) => problem !== undefined);
  if (problems.length > 0) throw new ConfigError(problems);
}

function prepare(field: string, folder: string, mode: number): string | undefined {
  try {
    mkdirSync(folder, { recursive: true, mode });
    accessSync(folder, constants.W_OK);
    return undefined;
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return `${field}: ${folder} cannot be written to (${reason})`;
  }
}
