import { isAbsolute, join, resolve, sep } from 'node:path';
import { realPath, walkedPath } from './real-path.ts';

/** Where a tool call runs. Absolute paths. */
export interface Surroundings {
  cwd: string;
  home: string;
}

/** The operating system takes no longer ones. */
const longest = 4096;

const magic = /[*?[\]{}()!+@\\]/;
const goesUp = /(?:^|[/{,|(])\.\.(?:$|[/},|)])/;
const startsOver = /[{,|(][/~]/;

/**
 * Whether the path is the scope's folder or lies below it, wherever `..` and links lead. It is read as the CLI reads
 * it: blanks around it (U+00A0 and U+FEFF too) are dropped, `~` is the home folder. An empty path lies nowhere.
 */
export function isInScope(path: string, scope: string, surroundings: Surroundings): boolean {
  const written = expanded(path, surroundings);
  if (written === '' || written.length > longest) return false;
  const folder = realPath(resolve(scope));
  return folder !== undefined && liesIn(isAbsolute(written) ? written : surroundings.cwd + sep + written, folder);
}

/** Whether the absolute path leads into the folder, a real path, wherever `..` and links in it lead. */
export function liesIn(absolute: string, folder: string): boolean {
  if (absolute.length > longest) return false;
  const places = [realPath(resolve(absolute)), ...(absolute.includes('..') ? [walkedPath(absolute)] : [])];
  return places.every((place) => place !== undefined && isBelow(place, folder));
}

/**
 * Whether the files that a Glob pattern names, seen from the folder `base`, lie in the scope: judged by the part before
 * its first special character. Behind that it must not go up, nor start from the root again.
 */
export function isPatternInScope(pattern: string, base: string, scope: string, surroundings: Surroundings): boolean {
  const written = expanded(pattern, surroundings);
  const parts = written.split('/');
  const special = parts.findIndex((part) => magic.test(part));
  const literal = (special < 0 ? parts : parts.slice(0, special)).join('/');
  const rest = special < 0 ? '' : parts.slice(special).join('/').replaceAll('\\', '');
  if (goesUp.test(rest) || startsOver.test(rest)) return false;
  const start = literal || (isAbsolute(written) ? sep : '.');
  const cwd = resolve(surroundings.cwd, expanded(base, surroundings));
  return isInScope(start, scope, { ...surroundings, cwd });
}

function expanded(path: string, { home }: Surroundings): string {
  const trimmed = path.trim();
  return trimmed === '~' || trimmed.startsWith('~/') ? join(home, trimmed.slice(1)) : trimmed;
}

/** Whether a real path is the folder, another one, or lies below it. */
export function isBelow(place: string, folder: string): boolean {
  return place === folder || place.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
