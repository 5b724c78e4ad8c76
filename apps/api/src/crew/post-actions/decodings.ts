/** A text with its escapes decoded, and where each of its characters comes from. */
export interface Decoded {
  text: string;
  /** By character: where it begins in the original; one more for the end. */
  from: number[];
}

type Decoding = (text: string) => Decoded;

const jsonEscape = /\\(?:u([0-9a-f]{4})|(["\\/]))/gi;
const percentEscape = /%([0-9a-f]{2})/gi;
const htmlEscape = /&(?:#(\d{1,5})|#x([0-9a-f]{1,4})|(amp|lt|gt|quot|apos));/gi;
const htmlNames: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const json = decoding(jsonEscape, (code, itself) => itself ?? fromHex(code));
/** Bytes stay bytes: a character that has several becomes as many. */
const percent = decoding(percentEscape, (code) => fromHex(code));
const html = decoding(htmlEscape, (decimal, hex, name) =>
  name ? (htmlNames[name.toLowerCase()] ?? '') : hex ? fromHex(hex) : String.fromCharCode(Number(decimal)),
);

/** The ways in which programs usually write a text within another: as it is, JSON, JSON in JSON, URLs, forms, HTML. */
export const decodings: Decoding[] = [
  (text) => ({ text, from: Array.from({ length: text.length + 1 }, (_, at) => at) }),
  json,
  (text) => again(json(text), json),
  percent,
  (text) => percent(text.replaceAll('+', ' ')),
  html,
];

/** What one character may become at most. */
export const longestEscape = 9;

/** The text without an escape that is cut off at its end. */
export function withoutHalfEscape(text: string): string {
  return text.replace(/(?:\\{1,3}(?:u[0-9a-f]{0,3})?|%[0-9a-f]?|&#?[0-9a-z]{0,5})$/i, '');
}

function fromHex(code: string | undefined): string {
  return String.fromCharCode(Number.parseInt(code ?? '', 16));
}

/** `decode` gets the groups of the pattern and gives one character. */
function decoding(pattern: RegExp, decode: (...groups: (string | undefined)[]) => string): Decoding {
  return (text) => {
    const from: number[] = [];
    let decoded = '';
    let at = 0;
    const plainUntil = (end: number) => {
      decoded += text.slice(at, end);
      for (; at < end; at += 1) from.push(at);
    };
    for (const match of text.matchAll(pattern)) {
      plainUntil(match.index);
      decoded += decode(...match.slice(1));
      from.push(at);
      at += match[0].length;
    }
    plainUntil(text.length);
    return { text: decoded, from: [...from, text.length] };
  };
}

function again(first: Decoded, decode: Decoding): Decoded {
  const { text, from } = decode(first.text);
  return { text, from: from.map((at) => first.from[at] ?? 0) };
}
