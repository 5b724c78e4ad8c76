import { parse, type Script } from 'unbash';
import { refuse } from '../refusal.ts';
import { checkCoverage } from './coverage.ts';
import { reserved } from './marks.ts';

/** In UTF-8. */
const mostBytes = 65_536;
/** Brackets open at once; a parser, and who walks its tree, needs stack for each of them. */
const deepest = 100;

type Parsed = ReturnType<typeof parse>;

/** The tree of a script. Refuses what is too long, or what the parser and a shell could understand differently. */
export function parseScript(text: string): Parsed {
  if (text.length > mostBytes || Buffer.byteLength(text) > mostBytes) refuse(`command longer than ${mostBytes} bytes`);
  if (text.includes('\0') || reserved.test(text)) refuse('command with NUL or private-use characters');
  if (text.includes('\r')) refuse('command with a carriage return: end lines with a newline alone');
  if (/[\u2028\u2029\u202a-\u202e\u2066-\u2069]/.test(text))
    refuse('command with characters that change its direction');
  if (nesting(text) > deepest) refuse(`command with more than ${deepest} brackets open at once`);
  const script = withoutErrors(parse(text));
  checkCoverage(script, text);
  return script;
}

/** The script, unless it has errors. The lines before an error would run, so no part of it may. */
export function withoutErrors<T extends Script>(script: T & Pick<Parsed, 'errors'>): T {
  const error = script.errors?.[0];
  if (error !== undefined) refuse(`command that cannot be parsed: ${error.message}`);
  return script;
}

function nesting(text: string): number {
  let depth = 0;
  let most = 0;
  for (const character of text) {
    if (character === '(' || character === '{' || character === '[') most = Math.max(most, ++depth);
    if (character === ')' || character === '}' || character === ']') depth = Math.max(0, depth - 1);
  }
  return most;
}
