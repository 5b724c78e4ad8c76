import { existsSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { CrewError } from '@agentcrew/protocol';
import type { RuntimeName } from '@agentcrew/runtime';

/**
 * The folder a team may use as its workspace: absolute, existing, and under one of the configured roots once symbolic
 * links are resolved. None on Kubernetes: pods that mount a folder of their node are refused by its restricted profile.
 * @throws CrewError INVALID_REQUEST with the rule.
 */
export function checkWorkspacePath(path: string, roots: string[], runtime: RuntimeName): void {
  if (runtime === 'kubernetes')
    throw refused('must be empty: on Kubernetes the workspace is a volume of the cluster, and cannot be a folder');
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
