import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { CrewError } from '@agentcrew/protocol';

/**
 * Path of the Claude Code CLI: the one installed with this package, else `claude` on the PATH.
 * Throws CrewError `CLI_NOT_FOUND` that says how to install it.
 */
export function findClaude(): string {
  const found = installedClaude() ?? onPath('claude');
  if (found) return found;
  throw new CrewError(
    'CLI_NOT_FOUND',
    'The Claude Code CLI is not installed. Run `pnpm install` in the repository, or `npm install -g @anthropic-ai/claude-code`.',
  );
}

/** First executable file of that name on this process's PATH. */
export function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The binary lies in a platform package that only the CLI's own package sees. It is used directly, because the CLI's
 * `bin` stays a stub where install scripts are not run.
 */
function installedClaude(): string | undefined {
  try {
    const cli = createRequire(import.meta.url).resolve('@anthropic-ai/claude-code/package.json');
    const platform = `@anthropic-ai/claude-code-${process.platform}-${process.arch}/package.json`;
    const binary = join(dirname(createRequire(cli).resolve(platform)), 'claude');
    return isExecutable(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}
