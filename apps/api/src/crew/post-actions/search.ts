/** Finds a needle in a text. */
export type Search = (text: string) => {
  /** Where each occurrence ends, also of those that overlap. */
  ends: number[];
  /** Of the needle. */
  length: number;
  /** How much of the needle's beginning the text ends with. */
  cutOff: number;
};

/** By Knuth, Morris and Pratt: the time grows with the text alone, whatever somebody made needle and text of. */
export function searchFor(needle: string): Search {
  const borders = bordersOf(needle);
  return (text) => {
    const ends: number[] = [];
    let cutOff = 0;
    for (let at = 0; at < text.length; at += 1) {
      cutOff = grown(cutOff, text[at], needle, borders);
      if (cutOff === needle.length) ends.push(at + 1);
    }
    return { ends, length: needle.length, cutOff };
  };
}

/** For each beginning of the needle, by its last place: how much of its end is a beginning of the needle again. */
function bordersOf(needle: string): number[] {
  const borders = [0];
  let length = 0;
  for (let at = 1; at < needle.length; at += 1) {
    length = grown(length, needle[at], needle, borders);
    borders.push(length);
  }
  return borders;
}

/** How much of the needle is there with one more character after `length` of it. */
function grown(length: number, character: string | undefined, needle: string, borders: number[]): number {
  let rest = length;
  while (rest > 0 && needle[rest] !== character) rest = borders[rest - 1] ?? 0;
  return needle[rest] === character ? rest + 1 : rest;
}
