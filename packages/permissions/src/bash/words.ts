import type { Word, WordPart } from 'unbash';
import { refuse, shown } from '../refusal.ts';
import { checkArithmetic } from './arithmetic.ts';
import { type Judge, step } from './judge.ts';
import { asPattern, marks } from './marks.ts';
import { parameterValues, specialValue } from './parameters.ts';
import type { State } from './state.ts';
import { processSubstitution, substitutionValues } from './substitutions.ts';

/** What a word can become: each entry is one possibility, with the fields that it becomes then. */
export type Possibilities = readonly (readonly string[])[];

const mostPossibilities = 24;
const mostBraces = 6;
const mostItems = 100;

/** A piece of a word: what it can be, and whether a shell splits it into fields at its blanks. */
interface Piece {
  values: readonly string[];
  split: boolean;
}

/** The fields that the word can become where a shell splits words. What runs inside of it is judged. */
export function expandWord(judge: Judge, state: State, word: Word): Possibilities {
  step(judge);
  checkOperators(word.parts ?? [{ type: 'Literal', text: word.text }]);
  if (word.parts === undefined) return [[plainText(judge, state, word)]];
  const braced = bracesExpanded(word.parts);
  if (braced === undefined) return oneOfMany(judge, state, word.parts);
  return braced.map((parts) => possibilities(judge, state, parts)).reduce(product);
}

/** The texts that the word can become where a shell does not split it: assignments, redirections, `case`. */
export function textsOf(judge: Judge, state: State, word: Word): readonly string[] {
  step(judge);
  if (word.parts === undefined) return [plainText(judge, state, word)];
  return joinedTexts(piecesOf(judge, state, word.parts));
}

/** All combinations, as long as they can be counted. */
export function product(left: Possibilities, right: Possibilities): Possibilities {
  const first = right[0];
  if (right.length === 1 && first !== undefined) return left.map((fields) => [...fields, ...first]);
  if (left.length * right.length > mostPossibilities) return left.map((fields) => [...fields, marks.words]);
  return left.flatMap((fields) => right.map((more) => [...fields, ...more]));
}

/** A shell does not take these characters as a part of a word; a parser that does has lost its way. */
function checkOperators(parts: readonly Pick<WordPart, 'type' | 'text'>[]): void {
  for (const { type, text } of parts)
    if (type === 'Literal' && /[()<>&|;\n]/.test(text.replace(/\\[\s\S]/g, '')))
      refuse(`word that cannot be parsed: ${shown(text)}`);
}

function plainText(judge: Judge, state: State, { text, value }: Pick<Word, 'text' | 'value'>): string {
  if (/(?<!\\)(?:\$[({]|`)/.test(text)) refuse(`word that cannot be parsed: ${shown(text)}`);
  return text.startsWith('~') ? tilde(judge, state, value) : value;
}

function tilde(judge: Judge, state: State, value: string): string {
  if (value === '~' || value.startsWith('~/'))
    return (state.variables.has('HOME') ? marks.any : judge.home) + value.slice(1);
  // The folder of another user, or where the shell was before: somewhere else.
  return value === '~+' || value.startsWith('~+/') ? `./${value.slice(3)}` : `/${value}`;
}

function possibilities(judge: Judge, state: State, parts: readonly WordPart[]): Possibilities {
  const quoted = parts.some(({ type }) => /Quoted|LocaleString/.test(type));
  let found: Possibilities = [['']];
  for (const piece of piecesOf(judge, state, parts)) {
    const next = piece.values.map((value) => (piece.split ? splitFields(value) : [value]));
    if (found.length * next.length > mostPossibilities) found = [[marks.words]];
    else found = found.flatMap((fields) => next.map((more) => glued(fields, more)));
  }
  return quoted ? found : found.map((fields) => (fields.length === 1 && fields[0] === '' ? [] : fields));
}

function oneOfMany(judge: Judge, state: State, parts: readonly WordPart[]): Possibilities {
  piecesOf(judge, state, parts);
  return [[marks.words]];
}

function glued(fields: readonly string[], more: readonly string[]): readonly string[] {
  const [next = '', ...rest] = more;
  return [...fields.slice(0, -1), (fields.at(-1) ?? '') + next, ...rest];
}

function splitFields(value: string): string[] {
  if (!/[ \t\n]/.test(value)) return [asPattern(value)];
  return value.split(/[ \t\n]+/).map(asPattern);
}

function joinedTexts(pieces: readonly Piece[]): readonly string[] {
  let texts: string[] = [''];
  for (const { values } of pieces) {
    if (texts.length * values.length > mostPossibilities) return [marks.any];
    texts = texts.flatMap((text) => values.map((value) => text + value));
  }
  return texts;
}

function piecesOf(judge: Judge, state: State, parts: readonly WordPart[]): Piece[] {
  return parts.map((part, at) => {
    if (at === 0 && part.type === 'Literal' && part.text.startsWith('~'))
      return whole([parts.length > 1 && !part.value.includes('/') ? marks.any : tilde(judge, state, part.value)]);
    return pieceOf(judge, state, part);
  });
}

function whole(values: readonly string[]): Piece {
  return { values, split: false };
}

/** An expansion outside of quotes: what is not known of it may be several words. */
function loose(values: readonly string[]): Piece {
  return { values: values.map((value) => value.replaceAll(marks.any, marks.words)), split: true };
}

function pieceOf(judge: Judge, state: State, part: WordPart): Piece {
  checkWhole(part);
  switch (part.type) {
    case 'Literal':
    case 'SingleQuoted':
    case 'AnsiCQuoted':
      return whole([part.value]);
    case 'DoubleQuoted':
    case 'LocaleString':
      return whole(joinedTexts(part.parts.map((child) => pieceOf(judge, state, child)).map(tight)));
    case 'Glob':
      if (part.parts !== undefined) piecesOf(judge, state, part.parts);
      if (part.kind === 'bracket' && part.text.includes('/')) return whole([marks.any]);
      return whole([part.kind === 'question' ? marks.one : marks.star]);
    case 'ExtendedGlob':
      if (part.parts !== undefined) piecesOf(judge, state, part.parts);
      return whole([part.text.includes('/') || part.text.includes('..') ? marks.any : marks.star]);
    case 'BraceExpansion':
      if (part.parts !== undefined) piecesOf(judge, state, part.parts);
      return whole([marks.words]);
    case 'SimpleExpansion':
      return loose(specialValue(judge, state, part.text.slice(1)));
    case 'ParameterExpansion':
      return loose(parameterValues(judge, state, part));
    case 'CommandExpansion':
      return loose(substitutionValues(judge, state, part));
    case 'ArithmeticExpansion':
      if (part.expression === undefined) refuse('arithmetic that cannot be parsed');
      checkArithmetic(judge, state, part.expression);
      return whole([marks.number]);
    case 'ProcessSubstitution':
      processSubstitution(judge, state, part);
      return whole(['/dev/fd/63']);
    default:
      return refuse('part of a word that is not known');
  }
}

const closings: Partial<Record<WordPart['type'], RegExp>> = {
  CommandExpansion: /^(?:\$(?:\\\n)*\([\s\S]*\)|`[\s\S]*`|\$\{[\s\S]*\})$/,
  ProcessSubstitution: /^[<>]\([\s\S]*\)$/,
  ParameterExpansion: /^\$(?:\\\n)*\{[\s\S]*\}$/,
  ArithmeticExpansion: /^\$(?:\\\n)*(?:\(\([\s\S]*\)(?:\\\n)*\)|\[[\s\S]*\])$/,
  DoubleQuoted: /^"[\s\S]*"$/,
  LocaleString: /^\$"[\s\S]*"$/,
  SingleQuoted: /^'[\s\S]*'$/,
  AnsiCQuoted: /^\$'[\s\S]*'$/,
};

/** Does not take the parser's word for it that a part ends where it should, and that plain text is plain. */
function checkWhole(part: WordPart): void {
  const closing = closings[part.type];
  const torn = closing !== undefined && !closing.test(part.text);
  const hidden = part.type === 'Literal' && /(?<!\\)(?:\$[({]|`)/.test(part.text);
  if (torn || hidden) refuse(`word that cannot be parsed: ${shown(part.text)}. Write it in a simpler way`);
}

/** Inside of quotes nothing is split, save `"$@"`. */
function tight({ values }: Piece): Piece {
  return whole(values.map((value) => value.replaceAll(marks.words, marks.any)));
}

/** The parts with their first `{a,b}` replaced by each of its items; `undefined` when the items cannot be told. */
function bracesExpanded(parts: readonly WordPart[]): (readonly WordPart[])[] | undefined {
  if (parts.filter(({ type }) => type === 'BraceExpansion').length > mostBraces) return undefined;
  const at = parts.findIndex(({ type }) => type === 'BraceExpansion');
  const brace = parts[at];
  if (brace === undefined) return [parts];
  const items = itemsOf(brace.text);
  if (items === undefined) return undefined;
  const found: (readonly WordPart[])[] = [];
  for (const item of items) {
    const literal: WordPart = { type: 'Literal', pos: brace.pos, end: brace.end, value: item, text: `\\${item}` };
    const more = bracesExpanded([...parts.slice(0, at), literal, ...parts.slice(at + 1)]);
    if (more === undefined || found.length + more.length > mostItems) return undefined;
    found.push(...more);
  }
  return found;
}

function itemsOf(text: string): string[] | undefined {
  const inner = text.slice(1, -1);
  if (/^-?\d+\.\.-?\d+(?:\.\.-?\d+)?$/.test(inner)) return [marks.number];
  if (/^(?:[a-z]\.\.[a-z]|[A-Z]\.\.[A-Z])$/.test(inner)) return [marks.segment];
  if (!inner.includes(',') || /[{}'"\\$`~]/.test(inner)) return undefined;
  return inner.split(',').map(asPattern);
}

/** The texts that a part of a word can become inside of arithmetic. */
export function partTexts(judge: Judge, state: State, part: WordPart): readonly string[] {
  return pieceOf(judge, state, part).values;
}
