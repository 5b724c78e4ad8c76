import { matchesGlob } from './glob.ts';
import type { Permissions } from './schema.ts';

/** Longer commands cannot be handed to a shell anyway. In characters. */
const longest = 131_072;
/** How many words behind an assignment or a redirection are looked at. */
const mostWords = 200;

/** Where one command may end and another begin. The `&` of `2>&1` does not separate, unless the `>` is escaped. */
const separators = /&&|\|\||\$\(|(?<!(?<!\\)[<>])&|[;|\n\r`(){}]/;
const reservedWord = /^(?:!|coproc|do|done|elif|else|fi|if|then|time|until|while)(?:[ \t]+|$)/;
const assignment = /^[A-Za-z_]\w*\+?=\S*[ \t]*/;
/** What may stand before a command and, quoted, may contain blanks. */
const assignmentOrRedirection = /^(?:[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=|[0-9]*[<>])/;

type Lists = Pick<Permissions, 'allowed_commands' | 'denied_commands'>;

/**
 * Why the command must not run; `undefined` when it may. It is judged as a whole and in the parts that a shell could
 * run by themselves. Quotes are not understood: a separator inside of quotes separates, which can deny what is
 * harmless. And a name spelled another way (`\rm`, `r''m`, `/bin/rm`, `sudo rm`) is another name: a list of denied
 * commands keeps an agent from mistakes, not from intent; that takes a list of allowed ones, or a container.
 */
export function commandProblem(command: string, { allowed_commands, denied_commands }: Lists): string | undefined {
  if (command.length > longest) return `command too long: more than ${longest} characters`;
  const denied = firstMatch(command, denied_commands);
  if (denied !== undefined) return `command denied: ${shown(denied)}`;
  if (allowed_commands.length === 0 || allowed_commands.includes(command)) return undefined;
  const strange = simpleParts(command).find((part) => !matchesAllowed(part, allowed_commands));
  return strange === undefined ? undefined : `command not allowed: ${shown(strange)}`;
}

/** The command, or the first part of it, that matches one of the globs. */
export function firstMatch(command: string, globs: readonly string[]): string | undefined {
  if (globs.length === 0) return undefined;
  if (matchesAny([command], globs)) return command;
  return simpleParts(command).find((part) => matchesAny(beginnings(part), globs));
}

/** Both with and without continued lines joined: whether a shell would join them depends on the quotes. */
function simpleParts(command: string): string[] {
  const joined = command.replaceAll('\\\n', '');
  const texts = joined === command ? [command] : [command, joined];
  const parts = texts.flatMap((text) => text.split(separators)).map(withoutReservedWords);
  return parts.filter((part) => withoutAssignments(part) !== '');
}

function matchesAllowed(part: string, globs: readonly string[]): boolean {
  return matchesAny([withoutAssignments(part)], globs);
}

/** `undefined` among the texts: there was too much to look at, which counts as a match. */
function matchesAny(texts: readonly (string | undefined)[], globs: readonly string[]): boolean {
  return texts.some((text) => {
    if (text === undefined) return true;
    const single = text.replace(/\s+/g, ' ').trim();
    return globs.some((glob) => matchesGlob(text, glob) || (single !== text && matchesGlob(single, glob)));
  });
}

/** The part from where its command begins; behind assignments and redirections that may be any word. */
function beginnings(part: string): (string | undefined)[] {
  if (!assignmentOrRedirection.test(part)) return [part];
  const words = [...part.matchAll(/\S+/g)];
  return words.length > mostWords ? [undefined] : words.map((word) => part.slice(word.index));
}

function withoutReservedWords(part: string): string {
  let rest = part.trim();
  while (reservedWord.test(rest)) rest = rest.replace(reservedWord, '');
  return rest;
}

function withoutAssignments(part: string): string {
  let rest = part;
  while (assignment.test(rest)) rest = rest.replace(assignment, '');
  return rest;
}

function shown(command: string): string {
  return command.length > 200 ? `${command.slice(0, 200)}…` : command;
}
