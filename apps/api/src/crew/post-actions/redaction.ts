import { type Decoded, decodings, longestEscape, withoutHalfEscape } from './decodings.ts';
import { type Search, searchFor } from './search.ts';

/** Takes secrets out of texts, also where they are escaped for JSON, URLs, forms or HTML. */
export interface Redaction {
  /** How much of a text must be there beyond what is kept of it, in characters or bytes: a secret may begin just before. */
  readonly margin: number;
  clean(text: string): string;
  /** The first characters of a text without secrets; one that begins in them leaves nothing of itself. */
  beginning(text: string, kept: number): string;
  /** The first characters of a text, secrets included; fewer where the cut would leave a part of one. */
  cut(text: string, longest: number): string;
}

/** In characters. What is shorter is found in words that are no secret. */
const shortestSecret = 4;
const longestMargin = 65_536;

/** From where to where, in characters of the text. */
type Span = [start: number, end: number];

export function createRedaction(secrets: string[]): Redaction {
  const needles = [...new Set(secrets.filter(({ length }) => length >= shortestSecret).flatMap(spellings))];
  const searches = needles.map(searchFor);
  const longest = Math.max(0, ...needles.map(({ length }) => length));
  const margin = Math.min(longest * longestEscape, longestMargin);

  function secretsIn(text: string, kept: number): Span[] {
    const seen = text.length < kept + margin ? text : withoutHalfEscape(text.slice(0, kept + margin));
    return decodings.flatMap((decode) => {
      const decoded = decode(seen);
      return searches.flatMap((search) => spansIn(decoded, search, kept));
    });
  }

  const beginning = (text: string, kept: number) => replaced(text, kept, secretsIn(text, kept));
  return {
    margin,
    beginning,
    clean: (text) => beginning(text, text.length),
    cut: (text, longest) =>
      text.length <= longest ? text : text.slice(0, endOutside(secretsIn(text, longest), longest)),
  };
}

/** Headers go as UTF-8, which many servers read as Latin-1; in a URL the characters of either are bytes again. */
function spellings(secret: string): string[] {
  const bytes = (text: string) => Buffer.from(text).toString('latin1');
  return [secret, bytes(secret), bytes(bytes(secret))];
}

function spansIn({ text, from }: Decoded, search: Search, kept: number): Span[] {
  const { ends, length, cutOff } = search(text);
  const original = (start: number, end: number): Span => [from[start] ?? 0, from[end] ?? 0];
  const spans = ends.map((end) => original(end - length, end));
  // One that the end of what is there cuts off matters when it begins in what is kept, and goes on after it.
  const [start, end] = original(text.length - cutOff, text.length);
  return start < kept && end > kept ? [...spans, [start, end]] : spans;
}

/** Spans that overlap or touch are one. */
function replaced(text: string, kept: number, spans: Span[]): string {
  let clean = '';
  let at = 0;
  for (const [start, end] of spans.sort(([one], [other]) => one - other)) {
    if (start >= kept) break;
    if (start > at || (start === 0 && at === 0)) clean += `${text.slice(at, start)}[redacted]`;
    at = Math.max(at, end);
  }
  return clean + text.slice(at, Math.max(at, kept));
}

/** The place, or the nearest one before it, that is within none of the spans. */
function endOutside(spans: Span[], place: number): number {
  let end = place;
  for (const [start, stop] of spans.sort(([one], [other]) => other - one)) if (start < end && stop > end) end = start;
  return end;
}
