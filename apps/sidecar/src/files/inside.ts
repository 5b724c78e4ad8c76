import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { isBelow, realPath } from '@agentcrew/permissions';
import { CrewError } from '@agentcrew/protocol';

/** Neither waits for whoever writes to a pipe, nor follows a link that has taken the place of what was looked at. */
const guarded = constants.O_NONBLOCK | constants.O_NOFOLLOW;
const isLinux = process.platform === 'linux';

/**
 * Opens a file or folder of the workspace for reading. Links are followed as long as they lead to something inside of it.
 * The commands of an agent may change what lies on the way at any moment: so what counts is where the opened file is.
 * @throws CrewError INVALID_REQUEST for a path that leads out of the workspace or to a device, socket or pipe. Else errors
 * of the file system.
 */
export async function openInside(workspace: string, path: string): Promise<FileHandle> {
  const root = placeOf(workspace);
  const place = placeBelow(root, path);
  const found = await lstat(place);
  if (!found.isFile() && !found.isDirectory()) throw refused('is neither a file nor a folder');
  const handle = await open(place, constants.O_RDONLY | guarded);
  try {
    const opened = isLinux ? await readlink(descriptorPath(handle)) : placeOf(place);
    if (!isBelow(opened, root)) throw outside();
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * A path to an open folder that leads to this very folder, whatever has become of its name since. Elsewhere than on Linux
 * it is only where the folder was.
 */
export function pathOf(folder: FileHandle, workspace: string, path: string): string {
  return isLinux ? descriptorPath(folder) : placeBelow(placeOf(workspace), path);
}

function descriptorPath({ fd }: FileHandle): string {
  return `/proc/self/fd/${fd}`;
}

function placeBelow(root: string, path: string): string {
  if (isAbsolute(path)) throw refused('must be relative to the workspace');
  if (path.includes('\0') || path.split('/').includes('..')) throw outside();
  const place = placeOf(join(root, path));
  if (!isBelow(place, root)) throw outside();
  return place;
}

function placeOf(path: string): string {
  const place = realPath(path);
  if (place === undefined) throw refused('cannot be followed');
  return place;
}

function outside(): CrewError {
  return refused('leads out of the workspace');
}

/** @returns the error of a path that breaks a rule. */
export function refused(rule: string): CrewError {
  return new CrewError('INVALID_REQUEST', `path ${rule}`);
}
