import { lstatSync } from 'node:fs';
import { basename } from 'node:path';
import type { Judge } from '../bash/judge.ts';
import { isOpen } from '../bash/marks.ts';
import type { State } from '../bash/state.ts';
import { holdRead } from '../scope.ts';

/** Programs whose arguments are texts, or paths on other machines. */
const elsewhere = new Set(
  'echo printf docker podman nerdctl kubectl helm ssh mosh gh glab aws gcloud az redis-cli psql mysql mongosh http https expr seq logger wall true false yes kill pkill pgrep ps sleep date cal bc which whereis type tr dirname basename'.split(
    ' ',
  ),
);
/** Where programs and libraries live: naming one is not reaching out for data. */
const installed = /^\/(?:usr|bin|sbin|lib|lib64|opt|nix|app)(?:\/|$)/;

/**
 * Holds the arguments of a program that is not known to the scope, where they look like paths and lead to something
 * outside that exists. What such a program opens by itself cannot be told.
 */
export function holdMentioned(judge: Judge, state: State, [name = '', ...args]: readonly string[]): void {
  if (name.includes('/') && !installed.test(name)) holdRead(judge, state, name);
  if (elsewhere.has(basename(name))) return;
  for (const arg of args) {
    const path = /^(?:-[^=/]*=|-[A-Za-z](?=\/)|[\w.-]+=|@)?(.*)$/s.exec(arg)?.[1] ?? arg;
    if (looksOutside(path)) holdRead(judge, state, path);
  }
}

function looksOutside(path: string): boolean {
  if (/(?:^|\/)\.\.(?:\/|$)/.test(path)) return !/^[\w+.-]+:\/\//.test(path) && !/\s/.test(path);
  if (!path.startsWith('/') || installed.test(path)) return false;
  const [, first = ''] = path.split('/');
  return (
    first !== '' && !isOpen(first) && exists(`/${first}`) && (exists(path) || exists(path.replace(/\/[^/]*$/, '')))
  );
}

function exists(path: string): boolean {
  try {
    lstatSync(path || '/nowhere');
    return true;
  } catch {
    return false;
  }
}
