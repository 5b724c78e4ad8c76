import { parse } from 'range-parser';

/** Which part of a file is sent; `partial` tells whether it was asked for as a part. */
export interface Wanted {
  offset: number;
  length: number;
  partial: boolean;
}

/**
 * The part that the headers `Range` and `If-Range` of a GET ask for. What is not understood, several ranges at once, and a
 * range of another version of the file give the whole file. `undefined`: there is no such part.
 */
export function wantedPart(
  { range, ifRange }: { range?: string | undefined; ifRange?: string | undefined },
  { size, etag }: { size: number; etag: string },
): Wanted | undefined {
  const whole = { offset: 0, length: size, partial: false };
  if (range === undefined || (ifRange !== undefined && ifRange !== etag)) return whole;
  const { type, code, ranges } = parse(size, range);
  if (type !== 'bytes') return whole;
  const [first, ...more] = ranges;
  if (!first) return code === 2 ? undefined : whole;
  if (code !== 0 || more.length > 0) return whole;
  return { offset: first.start, length: first.end - first.start + 1, partial: true };
}
