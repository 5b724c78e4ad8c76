import { lstatSync } from 'node:fs';
import { basename } from 'node:path';
import type { Judge } from '../bash/judge.ts';
import { isOpen } from '../bash/marks.ts';
import type { State } from '../bash/state.ts';
import { checkDenied } from '../commands.ts';
import { refuse, shown } from '../refusal.ts';
import { holdRead } from '../scope.ts';

/** Programs whose arguments are texts, or paths on other machines. */
const elsewhere = new Set(
  'echo printf kubectl helm mosh gh glab aws gcloud az redis-cli psql mysql mongosh http https expr seq logger wall true false yes kill pkill pgrep ps sleep date cal bc which whereis type tr dirname basename'.split(
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
  if (name.includes('/') && (!installed.test(name) || name.includes('..'))) holdRead(judge, state, name);
  if (elsewhere.has(basename(name))) return;
  for (const arg of args) {
    holdInline(judge, state, name, arg);
    const path = /^(?:-[^=/]*=|-[A-Za-z](?=[/.~])|[\w.-]+=|@)?(.*)$/s.exec(arg)?.[1] ?? arg;
    if (looksOutside(path)) holdRead(judge, state, path);
  }
}

function looksOutside(path: string): boolean {
  if (/(?:^|\/)\.\.(?:\/|$)/.test(path)) return !/^[\w+.-]+:\/\//.test(path) && !/\s/.test(path);
  if (/^~(?:\/|$)/.test(path)) return true;
  if (!path.startsWith('/') || installed.test(path)) return false;
  const [, first = ''] = path.split('/');
  return path === '/' || (first !== '' && !isOpen(first) && exists(`/${first}`));
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Programs that take a program in their arguments or from a here-document. */
const interpreters =
  /^(?:python[\d.]*|pypy\d*|node|nodejs|deno|bun|tsx|ts-node|perl[\d.]*|ruby[\d.]*|php[\d.]*|lua[\d.]*|Rscript|osascript|sqlite3)$/;

const dotCommand = /^\s*\.(?:shell|system|output|once|save|backup|log|open|read|import|load|cd)\b/m;

/**
 * Looks through the texts of a program that is written in a command. It could build other texts, and open anything:
 * this keeps an agent from mistakes. The texts are held to the scope where they look like paths, and to the rules that
 * deny commands where they look like commands.
 */
export function holdInline(judge: Judge, state: State, name: string, program: string): void {
  if (!interpreters.test(basename(name))) return;
  if (name === 'sqlite3' && dotCommand.test(program)) refuse(`${name}: ${shown(program)}`);
  for (const [, , text = ''] of program.matchAll(/(["'`])((?:(?!\1)[^\\\n]|\\.)*)\1/g)) {
    if (/^(?:\/|~\/|\.\.\/)[\w./-]*$/.test(text) && looksOutside(text)) holdRead(judge, state, text);
    checkDenied(judge, text.trim().split(/\s+/));
  }
}
