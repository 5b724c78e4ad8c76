/**
 * What is not known of a word is a mark in its text, a character of a private Unicode area that commands must not
 * contain. So words can be cut, joined and matched as texts.
 */
export const marks = {
  /** Anything. */
  any: '\ue000',
  /** Anything, perhaps several words or none: an expansion that a shell would split. */
  words: '\ue001',
  /** A text without `/`; perhaps empty, perhaps `..`. */
  segment: '\ue002',
  /** A path that does not start with `/` and goes nowhere up; perhaps empty. */
  relative: '\ue003',
  /** An integer. */
  number: '\ue004',
  /** What a shell replaces by names of files: `*`, or a bracket or extended pattern. */
  star: '\ue005',
  /** `?`, likewise. */
  one: '\ue006',
} as const;

const unknown = /[\ue000-\ue004]/;
const pattern = /[\ue005\ue006]/;
/** Characters that a command must not contain, because they are used as marks. */
export const reserved = /[\ue000-\ue00f]/;

/** Whether nothing of the text is left open, patterns of file names included. */
export function isKnown(text: string): boolean {
  return !reserved.test(text);
}

/** Whether a part of the text could not be resolved. */
export function hasUnknown(text: string): boolean {
  return unknown.test(text);
}

/** Whether a shell would replace the text by names of files. */
export function hasPattern(text: string): boolean {
  return pattern.test(text);
}

/** Whether the text can be anything from some place on. */
export function isOpen(text: string): boolean {
  return text.includes(marks.any) || text.includes(marks.words);
}

/** The text with its patterns spelled out, for matching it with the globs of a policy. */
export function withPatterns(text: string): string {
  return text.replaceAll(marks.star, '*').replaceAll(marks.one, '?');
}

/** The text with patterns where unquoted text has them: `*` in the value of a variable names files too. */
export function asPattern(text: string): string {
  return text
    .replace(/\[[^\]/]+\]/g, marks.star)
    .replaceAll('*', marks.star)
    .replaceAll('?', marks.one);
}

/** The text for people: what is not known is `…`. */
export function readable(text: string): string {
  return withPatterns(text).replace(/[\ue000-\ue004]+/g, '…');
}

/** Whether the text is a path that stays below where it starts, as far as its text tells. */
export function staysBelow(text: string): boolean {
  return text !== '' && !/^[/~]|\.\.|[\ue000-\ue002]/.test(text);
}
