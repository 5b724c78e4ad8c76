const bytesPer: Record<string, number> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Bytes of a whole number with a unit, such as `"512m"`; units are powers of 1024. */
export function bytesOf(memory: string): number {
  return Number.parseInt(memory, 10) * (bytesPer[memory.slice(-1).toLowerCase()] ?? 1);
}
