import { type Dirent, readdirSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import type { Judge } from './bash/judge.ts';
import { hasPattern, hasUnknown, isOpen, marks, readable } from './bash/marks.ts';
import type { State } from './bash/state.ts';
import { liesIn } from './paths.ts';
import { refuse, shown } from './refusal.ts';

/** Folders looked into to find the files that a pattern names. */
const mostFolders = 2000;
/** What a mark may stand for, where it makes a difference. */
const samples: Record<string, readonly string[]> = {
  [marks.segment]: ['x', '', '.', '..'],
  [marks.relative]: ['x', '', '.', 'x/.', '.x'],
  [marks.number]: ['1'],
};
const mostSamples = 64;
/** Open to everyone, and nothing that is written there stays. */
const devices = /^\/dev\/(?:null|zero|full|random|urandom|tty|stdin|stdout|stderr|fd\/\d+)$/;

/** Holds a path that a command creates, changes, deletes or redirects from to the scope. It has to be known. */
export function holdWritten(judge: Judge, state: State, path: string): void {
  if (judge.scopes.length === 0 || path === '') return;
  if (isOpen(path))
    refuse(
      `path that cannot be resolved: ${show(path)}. Write it as a literal path, as a variable set in the same command to one, or as a pattern like *.tmp`,
    );
  hold(judge, state, path, judge.scopes);
}

/** Holds a path that a command opens to the scope, as far as it is known. */
export function holdRead(judge: Judge, state: State, path: string): void {
  if (judge.scopes.length === 0 || path === '') return;
  if (!isOpen(path)) {
    hold(judge, state, path, judge.readable);
    return;
  }
  const start = path.slice(0, path.search(/[\ue000\ue001]/));
  const folder = start.slice(0, start.lastIndexOf('/') + 1);
  if (folder !== '') hold(judge, state, folder, judge.readable);
}

function hold(judge: Judge, state: State, path: string, scopes: readonly string[]): void {
  if (devices.test(path)) return;
  const folders = isAbsolute(path) ? ['/'] : state.folders;
  if (folders === undefined)
    refuse(`relative path behind a cd that cannot be resolved: ${show(path)}. Write an absolute path`);
  for (const sample of sampled(path))
    for (const folder of folders) if (!isHeld(scopes, folder, sample)) outside(judge, path);
}

function isHeld(scopes: readonly string[], folder: string, path: string): boolean {
  const absolute = isAbsolute(path) ? path : `${folder}/${path}`;
  if (!hasPattern(absolute)) return scopes.some((scope) => liesIn(absolute, scope));
  return expanded(absolute).every((found) => scopes.some((scope) => liesIn(found, scope)));
}

function outside(judge: Judge, path: string): never {
  const [scope] = judge.scopes;
  return refuse(`path outside of ${scope}: ${show(path)}`);
}

function show(path: string): string {
  return shown(readable(path));
}

/** The path with each mark replaced by what it may stand for. */
function sampled(path: string): string[] {
  if (!hasUnknown(path)) return [path];
  let paths = [''];
  for (const character of path) {
    const choices = samples[character] ?? [character];
    paths = paths.flatMap((start) => choices.map((choice) => start + choice));
    if (paths.length > mostSamples) refuse(`path with too many unknown parts: ${show(path)}`);
  }
  return paths;
}

/**
 * The paths that a pattern names, with those it would name if more files were there: links among the files lead
 * elsewhere than the text of the pattern tells.
 */
function expanded(pattern: string): string[] {
  const parts = pattern.split('/');
  const first = parts.findIndex(hasPattern);
  if (parts.slice(first).includes('..')) refuse(`pattern that goes up: ${show(pattern)}. Write the folder itself`);
  const literal = parts.map((part) => (hasPattern(part) ? 'x' : part)).join('/');
  const found = [literal];
  const budget = { left: mostFolders };
  const walk = (folder: string, at: number): void => {
    const part = parts[at];
    if (part === undefined) return;
    if (!hasPattern(part)) {
      walk(join(folder, part), at + 1);
      return;
    }
    const matches = matcher(part);
    for (const entry of entriesOf(folder, budget)) {
      if (!matches.test(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isSymbolicLink()) found.push([path, ...parts.slice(at + 1)].join('/'));
      else if (entry.isDirectory() && at + 1 < parts.length) walk(path, at + 1);
    }
  };
  walk(resolve('/', parts.slice(0, first).join('/')), first);
  return found;
}

function entriesOf(folder: string, budget: { left: number }): Dirent[] {
  if (--budget.left < 0) refuse(`pattern that names files in more than ${mostFolders} folders: name them closer`);
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function matcher(part: string): RegExp {
  const source = [...part].map((character) => {
    if (character === marks.star) return '.*';
    if (character === marks.one) return '.';
    return character.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  });
  return new RegExp(`^${source.join('')}$`, 's');
}
