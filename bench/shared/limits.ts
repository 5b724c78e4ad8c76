/** Something that is promised, beside what was measured. In milliseconds. */
export interface Limit {
  text: string;
  limit: number;
  measured: number;
  kept: boolean;
}

export function atMost(text: string, measured: number, limit: number): Limit {
  return { text, limit, measured, kept: measured < limit };
}

export function limitLine({ kept, text, measured, limit }: Limit): string {
  return `${kept ? 'PASS' : 'FAIL'}  ${text}: ${measured.toFixed(1)} ms of ${limit.toFixed(1)} ms`;
}
