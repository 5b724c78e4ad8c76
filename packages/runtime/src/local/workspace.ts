import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { CrewError } from '@agentcrew/protocol';
import type { Layout } from './layout.ts';
import { ensurePrivateFolder } from './private-files.ts';

/**
 * The workspace of a team: `workspacePath`, or a folder of its own, made when it is missing.
 * @throws CrewError INVALID_TEAM when `workspacePath` is not an existing folder
 */
export async function openWorkspace(paths: Layout, team: string, workspacePath?: string): Promise<string> {
  if (!workspacePath) {
    await ensurePrivateFolder(paths.workspace(team));
    return paths.workspace(team);
  }
  const found = await stat(workspacePath).catch(() => undefined);
  if (!isAbsolute(workspacePath) || !found?.isDirectory()) {
    throw new CrewError('INVALID_TEAM', `workspace_path is not an existing folder: ${workspacePath}`);
  }
  return workspacePath;
}
