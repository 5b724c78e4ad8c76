import type { Judge } from '../bash/judge.ts';
import { hasUnknown, readable } from '../bash/marks.ts';
import type { State } from '../bash/state.ts';
import { refuse, shown } from '../refusal.ts';
import { holdRead, holdWritten } from '../scope.ts';
import { isOption, takeApart } from './options.ts';

/** Judges the files that `sed` edits or reads, and the commands of its script that open files or run something. */
export function judgeSed(judge: Judge, state: State, argv: readonly string[]): void {
  if (argv.some((arg) => /^(?:-[a-zA-Z]*i.*|--in-pl[^=]*=.*)\//s.test(arg)))
    refuse('sed -i with a folder in its suffix');
  const args = argv.slice(1).map((arg) => arg.replace(/^(-[nErsuzb]*i)[\s\S]+$/, '$1'));
  const { options, operands } = takeApart(args, { values: 'e f l expression file line-length' });
  const is = (short: string, long: string) => (name: string) => name === short || isOption(name, long);
  if (options.some(({ name }) => is('f', 'file')(name))) refuse('sed -f: write the script as an argument');
  const scripts = options.flatMap(({ name, value }) =>
    is('e', 'expression')(name) && value !== undefined ? [value] : [],
  );
  const files = scripts.length > 0 ? operands : operands.slice(1);
  for (const script of scripts.length > 0 ? scripts : operands.slice(0, 1)) judgeScript(judge, state, script);
  const inPlace = options.some(({ name }) => is('i', 'in-place')(name));
  for (const file of files) (inPlace ? holdWritten : holdRead)(judge, state, file);
}

/** Goes through a script command by command, as far as is needed to find `e`, `r`, `w` and their flags. */
function judgeScript(judge: Judge, state: State, script: string): void {
  let rest = script;
  while (rest !== '') {
    rest = rest.replace(/^[\s;{}]+/, '');
    if (rest.startsWith('#')) rest = rest.replace(/^[^\n]*/, '');
    else if (rest !== '') rest = behindCommand(judge, state, withoutAddresses(rest), script);
  }
}

function withoutAddresses(text: string): string {
  let rest = text;
  for (let count = 0; count < 2; count++) {
    rest = rest.replace(/^\s+/, '');
    const custom = /^\\([^\n])/.exec(rest);
    if (rest.startsWith('/') || custom !== null)
      rest = behind(rest.slice(custom === null ? 1 : 2), custom?.[1] ?? '/').replace(/^[IM]+/, '');
    else rest = rest.replace(/^(?:\$|[+~]?[\d\ue004]+)(?:~[\d\ue004]+)?/, '');
    rest = rest.replace(/^\s*/, '');
    if (!rest.startsWith(',')) break;
    rest = rest.slice(1);
  }
  return rest.replace(/^[\s!]+/, '');
}

function behindCommand(judge: Judge, state: State, text: string, script: string): string {
  const command = text.slice(0, 1);
  const rest = text.slice(1);
  if (/[=dDgGhHlnNpPqQxzF]/.test(command)) return rest.replace(/^\s*\d*/, '');
  if (/[btT:]/.test(command)) return rest.replace(/^[^;\n}]*/, '');
  if (/[aic]/.test(command)) return rest.replace(/^(?:[^\\\n]|\\[\s\S])*/, '');
  if (command === 'y') return behind(behind(rest.slice(1), rest.slice(0, 1)), rest.slice(0, 1));
  if (command === 's') return behindSubstitution(judge, state, rest, script);
  if (/[rRwW]/.test(command)) return behindFile(judge, state, command, rest);
  if (/[{}]/.test(command) || command === '') return rest;
  return refuse(`sed script that runs commands or cannot be resolved: ${shown(readable(script))}`);
}

function behindSubstitution(judge: Judge, state: State, text: string, script: string): string {
  const delimiter = text.slice(0, 1);
  if (delimiter === '' || delimiter === '\n' || delimiter === '\\' || hasUnknown(delimiter))
    refuse(`sed script that cannot be resolved: ${shown(readable(script))}`);
  const flags = behind(behind(text.slice(1), delimiter), delimiter);
  const [plain = ''] = /^[gpiImM\d\ue004]*/.exec(flags) ?? [];
  const rest = flags.slice(plain.length);
  if (rest.startsWith('w')) return behindFile(judge, state, 'w', rest.slice(1));
  if (rest !== '' && !/^[\s;}#]/.test(rest))
    refuse(`sed script that runs commands or cannot be resolved: ${shown(readable(script))}`);
  return rest;
}

function behindFile(judge: Judge, state: State, command: string, text: string): string {
  const [line = ''] = text.split('\n');
  (/[rR]/.test(command) ? holdRead : holdWritten)(judge, state, line.trim());
  return text.slice(line.length);
}

/** What stands behind the next delimiter that is not escaped, nor, for patterns, in brackets. */
function behind(text: string, delimiter: string): string {
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === delimiter) return text.slice(at + 1);
  }
  return '';
}
