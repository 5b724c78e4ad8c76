import { basename, dirname } from 'node:path';
import type { Judge } from './bash/judge.ts';
import { isKnown, readable, withPatterns } from './bash/marks.ts';
import { matchesGlob, mayMatchGlob } from './glob.ts';
import { gitSpelling } from './programs/git.ts';
import { refuse, shown } from './refusal.ts';

const binFolders = new Set(['/bin', '/usr/bin', '/usr/local/bin', '/sbin', '/usr/sbin', '/usr/local/sbin']);
/** Builtins that do nothing outside of the shell, and wrappers: what they run is judged by itself. */
const needNoRule = new Set(
  (
    ': true false [ test cd pwd pushd popd dirs export readonly declare typeset local set unset shift read getopts ' +
    'break continue return exit wait let trap shopt umask type hash ' +
    'command builtin eval env time timeout nice ionice nohup stdbuf setsid'
  ).split(' '),
);

/**
 * Holds a command, a simple one without its quotes, to the lists of the policy. What is not known of it counts as
 * whatever makes it denied or asked about, and never as what makes it allowed.
 */
export function checkRules(judge: Judge, argv: readonly string[]): void {
  const { allowed_commands, ask_commands } = judge.permissions;
  checkDenied(judge, argv);
  const spellings = spellingsOf(argv);
  if (allowed_commands.length > 0 && !judge.isListed && !isAllowed(argv, allowed_commands))
    refuse(`command not allowed: ${shownCommand(argv)}. Allowed: ${shown(allowed_commands.join(', '))}`);
  if (judge.asked === undefined && ask_commands.some((glob) => spellings.some((text) => mayMatch(text, glob))))
    judge.asked = shownCommand(argv);
}

/** Holds a command to the list of denied ones alone. */
export function checkDenied(judge: Judge, argv: readonly string[]): void {
  const { denied_commands } = judge.permissions;
  if (denied_commands.length === 0) return;
  const spellings = spellingsOf(argv);
  const denied = denied_commands.find((glob) => spellings.some((text) => mayMatch(text, glob)));
  if (denied !== undefined) refuse(`command denied: ${shownCommand(argv)} (rule "${shown(denied)}")`);
}

/** Holds the whole text of a command line to the lists of denied commands and of those to ask about. */
export function checkWhole(judge: Judge, text: string): void {
  const line = text.replace(/\s+/g, ' ').trim();
  const matches = (glob: string) => matchesRule(line, glob) || matchesGlob(text, glob);
  const denied = judge.permissions.denied_commands.find(matches);
  if (denied !== undefined) refuse(`command denied: ${shown(line)} (rule "${shown(denied)}")`);
  if (judge.permissions.ask_commands.some(matches)) judge.asked ??= shown(line);
}

function isAllowed(argv: readonly string[], globs: readonly string[]): boolean {
  const [name = ''] = argv;
  if (needNoRule.has(name)) return true;
  const texts = [textOf(argv), ...(binFolders.has(dirname(name)) ? [textOf([basename(name), ...argv.slice(1)])] : [])];
  return globs.some((glob) => texts.some((text) => matchesRule(text, glob)));
}

/** The ways in which a rule may spell the command: with and without the folder of its program. */
function spellingsOf(argv: readonly string[]): string[] {
  const [name = '', ...rest] = argv;
  const plain = [basename(name), ...rest];
  const texts = [textOf(argv), textOf(plain), ...gitSpelling(plain).map(textOf)];
  return [...new Set(texts)];
}

function textOf(argv: readonly string[]): string {
  return withPatterns(argv.join(' ')).replace(/\s+/g, ' ').trim();
}

/** "With any argument" is also without one: `cat *` is `cat`, as it stands in a pipeline or before a here-document. */
function matchesRule(text: string, glob: string): boolean {
  return matchesGlob(text, glob) || (glob.endsWith(' *') && matchesGlob(text, glob.slice(0, -2)));
}

/** A rule for one program cannot be dodged by an argument that is not known; a rule for any program does not ask. */
function mayMatch(text: string, glob: string): boolean {
  if (matchesRule(text, glob)) return true;
  return !isKnown(text) && !glob.startsWith('*') && mayMatchGlob(text, glob);
}

function shownCommand(argv: readonly string[]): string {
  return shown(readable(argv.join(' ')));
}
