import { lstatSync, readlinkSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';

/** As many links in a row as Linux follows. */
const mostLinks = 40;
const longestName = 255;

/**
 * The absolute path without symlinks, also of what does not exist (yet): then of its nearest ancestor that does, with
 * the rest behind it. A link that points to nothing counts: writing to it creates what it points to. `undefined` when
 * this cannot be told (loops, unreadable folders, names too long, NUL).
 *
 * `realpathSync` would throw for everything that does not exist, which takes longer than all the rest of a decision.
 */
export function realPath(path: string): string | undefined {
  if (path.includes('\0')) return undefined;
  try {
    return followed(path, { left: mostLinks });
  } catch {
    return undefined;
  }
}

function followed(path: string, links: { left: number }): string | undefined {
  const parts = path.split(sep).filter(Boolean);
  if (parts.some((part) => part.length > longestName)) return undefined;
  let at: string = sep;
  for (const [index, part] of parts.entries()) {
    const here = at === sep ? sep + part : at + sep + part;
    const found = lstatSync(here, { throwIfNoEntry: false });
    const rest = parts.slice(index + 1);
    if (found === undefined) return [here, ...rest].join(sep);
    if (found.isSymbolicLink()) {
      if (--links.left < 0) return undefined;
      return followed(resolve(at, readlinkSync(here), ...rest), links);
    }
    if (rest.length > 0 && !found.isDirectory()) return undefined;
    at = here;
  }
  return at;
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
