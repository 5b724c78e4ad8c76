import { type FileHandle, mkdir, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CrewError, uploadsFolder } from '@agentcrew/protocol';
import { openInside, pathOf } from './inside.ts';

/** What nobody has touched for so long belongs to no agent any more, in milliseconds. */
const forgottenAfterMs = 24 * 3_600_000;
const temporaryName = /^\.upload-(.+)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The name of a file that is not complete yet; agents of a team share the folder, each cleans up after itself. */
export function temporaryFor(agent: string, uploadId: string): string {
  return `.upload-${agent}-${uploadId.toLowerCase()}`;
}

/** Whether it is such a name. */
export function isTemporary(name: string): boolean {
  return temporaryName.test(name);
}

/** The open folder of uploads and a path to it, see `pathOf`. */
export interface UploadsFolder extends AsyncDisposable {
  readonly place: string;
}

/** Opens the folder of uploads; creates it where it is missing. */
export async function openUploadsFolder(workspace: string): Promise<UploadsFolder> {
  await using root = await openInside(workspace, '');
  await mkdir(join(pathOf(root, workspace, ''), uploadsFolder), { mode: 0o755 }).catch((error: unknown) => {
    if (!isExisting(error)) throw error;
  });
  const folder = await openInside(workspace, uploadsFolder).catch(unusable);
  try {
    if (!(await folder.stat()).isDirectory()) return unusable();
    const place = pathOf(folder, workspace, uploadsFolder);
    return { place, [Symbol.asyncDispose]: () => closed(folder) };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

/** Removes what earlier processes of the agent left incomplete, and what agents left that are no more. */
export async function removeLeftUploads(workspace: string, agent: string): Promise<void> {
  await using folder = await openInside(workspace, uploadsFolder);
  const place = pathOf(folder, workspace, uploadsFolder);
  const before = Date.now() - forgottenAfterMs;
  for (const name of await readdir(place)) {
    const [, owner] = temporaryName.exec(name) ?? [];
    if (owner === undefined) continue;
    if (owner !== agent && (await stat(join(place, name))).mtimeMs > before) continue;
    await unlink(join(place, name));
  }
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}

function unusable(cause?: unknown): never {
  const what = `${uploadsFolder} is not a folder of the workspace`;
  throw new CrewError('WORKSPACE_UNAVAILABLE', what, { cause });
}

async function closed(folder: FileHandle): Promise<void> {
  await folder.close();
}
