import { readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';

/** As many links in a row as Linux follows. */
const mostLinks = 40;

/**
 * The absolute path without symlinks, also of what does not exist (yet): then of its nearest ancestor that does, with
 * the rest behind it. A link that points to nothing counts: writing to it creates what it points to. `undefined` when
 * this cannot be told (loops, unreadable folders, names too long, NUL).
 */
export function realPath(path: string, links = mostLinks): string | undefined {
  try {
    return realpathSync.native(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) return undefined;
  }
  const parent = realPath(dirname(path), links);
  if (parent === undefined) return undefined;
  const here = join(parent, basename(path));
  const target = linkTarget(here);
  if (target === undefined) return here;
  return links > 0 ? realPath(resolve(parent, target), links - 1) : undefined;
}

/**
 * Where the operating system arrives by an absolute path: it follows a link before it goes up from there by `..`.
 * Programs that collapse `..` in the text first arrive elsewhere.
 */
export function walkedPath(path: string): string | undefined {
  let at: string = sep;
  for (const part of path.split(sep)) {
    const folder = part === '..' ? realPath(at) : at;
    if (folder === undefined) return undefined;
    at = part === '..' ? dirname(folder) : join(folder, part);
  }
  return realPath(at);
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
