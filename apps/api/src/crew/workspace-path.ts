import { existsSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { CrewError } from '@agentcrew/protocol';

/**
 * The folder a team may use as its workspace: absolute, existing, and under one of the configured roots once symbolic
 * links are resolved.
 * @throws CrewError INVALID_REQUEST with the rule.
 */
export function checkWorkspacePath(path: string, roots: string[]): void {
  if (roots.length === 0) throw refused('is not allowed on this server (WORKSPACE_ROOTS is not set)');
  if (!isAbsolute(path)) throw refused('must be an absolute path');
  if (!existsSync(path) || !statSync(path).isDirectory()) throw refused('must be an existing folder');
  const real = realpathSync(path);
  if (!roots.some((root) => isInside(real, root))) throw refused(`must lie under one of ${roots.join(', ')}`);
}

function isInside(path: string, root: string): boolean {
  if (!existsSync(root)) return false;
  const way = relative(realpathSync(resolve(root)), path);
  return way === '' || (way !== '..' && !way.startsWith('../') && !isAbsolute(way));
}

function refused(rule: string): CrewError {
  return new CrewError('INVALID_REQUEST', `workspace_path ${rule}`);
}
