import type { Judge } from '../bash/judge.ts';
import { hasUnknown, marks, readable } from '../bash/marks.ts';
import type { State } from '../bash/state.ts';
import { refuse, shown } from '../refusal.ts';
import { holdRead, holdWritten } from '../scope.ts';
import { isOption, takeApart } from './options.ts';

const values = 'F v f i l E e field-separator assign file include load exec source';

/** Judges the files that `awk` reads, and whether its program runs commands or opens files by itself. */
export function judgeAwk(judge: Judge, state: State, argv: readonly string[]): void {
  const { options, operands } = takeApart(argv.slice(1), { values });
  const named = (short: string, long: string) =>
    options.flatMap(({ name, value }) =>
      (name === short || isOption(name, long)) && value !== undefined ? [value] : [],
    );
  if (named('l', 'load').length > 0) refuse('awk -l: loads code');
  const inPlace = named('i', 'include');
  if (inPlace.some((library) => library !== 'inplace')) refuse('awk -i: loads code');
  for (const file of [...named('f', 'file'), ...named('E', 'exec')]) {
    if (/^(?:-|\/dev\/.*)$/.test(file)) refuse('awk that reads its program from its input');
    holdWritten(judge, state, file);
  }
  const given = named('f', 'file').length + named('E', 'exec').length > 0;
  const programs = named('e', 'source');
  const inline = given || programs.length > 0 ? programs : operands.slice(0, 1);
  for (const program of inline) judgeProgramText(program);
  const files = inline === programs || given ? operands : operands.slice(1);
  for (const file of files)
    if (!/^[A-Za-z_]\w*=/.test(file)) (inPlace.length > 0 ? holdWritten : holdRead)(judge, state, file);
    else
      holdRead(
        judge,
        state,
        file.slice(file.indexOf('=') + 1).startsWith('/') ? file.slice(file.indexOf('=') + 1) : '',
      );
}

function judgeProgramText(program: string): void {
  const why = (what: string) => refuse(`awk program that ${what}: ${shown(readable(program))}`);
  const code = withoutLiterals(program.replace(/(?:>>?|\|)\s*"(?:\/dev\/stderr|\/dev\/stdout)"/g, ''));
  if (/\w\\\n\s*\w/.test(program)) why('continues a word on the next line');
  if (code.includes(marks.any) || code.includes(marks.words))
    why('cannot be resolved. Hand values over with -v name=value');
  if (hasUnknown(code.replace(/[\ue002-\ue004]/g, ''))) why('cannot be resolved');
  if (/\bsystem\s*\(|\bgetline\b|@|\bARGV\b|\bARGC\b|\bPROCINFO\b|\bextension\s*\(/.test(code))
    why('runs commands or opens files');
  if (/(?<!\|)\|(?!\|)/.test(code) || /\|&/.test(code)) why('runs commands. Put the pipe outside of it');
  if (/\bprintf?\b[^;}\n]*>/.test(code.replace(/\((?:[^()]|\([^()]*\))*\)/g, '()')))
    why('writes files. Redirect its output instead');
}

/** The program without its texts, patterns and comments. */
function withoutLiterals(program: string): string {
  let code = '';
  let at = 0;
  while (at < program.length) {
    const character = program[at] ?? '';
    const operatorBefore = /(?:^|[(,~!{};&|\n=?:]|\breturn|\bin|\bprintf?|\bcase)\s*$/.test(code.slice(-20));
    if (character === '#') at = indexOr(program, '\n', at);
    else if (character === '"') {
      at = endOf(program, at, '"');
      code += '""';
    } else if (character === '/' && operatorBefore) {
      at = endOf(program, at, '/');
      code += '0';
    } else {
      code += character;
      at++;
    }
  }
  return code;
}

function endOf(text: string, start: number, delimiter: string): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === delimiter) return at + 1;
    else if (text[at] === '\n') return at;
  }
  return text.length;
}

function indexOr(text: string, character: string, from: number): number {
  const at = text.indexOf(character, from);
  return at < 0 ? text.length : at;
}
