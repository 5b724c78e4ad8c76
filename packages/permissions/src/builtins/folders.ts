import { isAbsolute, resolve } from 'node:path';
import type { Judge } from '../bash/judge.ts';
import { isKnown, isOpen, readable } from '../bash/marks.ts';
import { always, copyOf, type Outcome, type State } from '../bash/state.ts';
import { realPath, walkedPath } from '../real-path.ts';
import { refuse, shown } from '../refusal.ts';
import { holdRead } from '../scope.ts';

/** Judges `cd`: it must not leave the scope, and relative paths behind it are seen from there, if it succeeds. */
export function changeFolder(judge: Judge, state: State, [name = 'cd', ...args]: readonly string[]): Outcome {
  const words = args.filter((arg) => !/^-[LPen@]+$/.test(arg) && arg !== '--');
  const [folder = judge.home] = words;
  if (folder === '-') return forgetFolder(judge, state);
  if (/^[-+]\d*$/.test(folder)) return forgetFolder(judge, state);
  if (isOpen(folder)) {
    if (judge.scopes.length > 0)
      refuse(`${name} to a folder that cannot be resolved: ${shown(readable(folder))}. Write the folder itself`);
    return { success: { ...copyOf(state), folders: undefined }, failure: state };
  }
  holdRead(judge, state, folder);
  return { success: { ...copyOf(state), folders: different(moved(state.folders, folder)) }, failure: state };
}

export function pushFolder(judge: Judge, state: State, argv: readonly string[]): Outcome {
  return argv.length < 2 ? forgetFolder(judge, state) : changeFolder(judge, state, argv);
}

/** Behind `cd -` and `popd` nobody knows where the shell is: somewhere it was before. */
export function forgetFolder(_judge: Judge, state: State): Outcome {
  return always({ ...copyOf(state), folders: undefined });
}

function moved(folders: readonly string[] | undefined, folder: string): readonly string[] | undefined {
  if (!isKnown(folder)) return undefined;
  const absolute = isAbsolute(folder) ? [folder] : folders?.map((from) => `${from}/${folder}`);
  // The folder as the shell sees it, and, for `cd -P`, as the operating system does.
  return absolute?.flatMap((path) =>
    [realPath(resolve(path)), walkedPath(path)].map((place) => place ?? resolve(path)),
  );
}

function different(folders: readonly string[] | undefined): readonly string[] | undefined {
  return folders && [...new Set(folders)];
}
