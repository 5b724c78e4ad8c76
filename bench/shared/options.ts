import { parseArgs } from 'node:util';

export interface Options {
  /** Turns of each way that count. */
  rounds: number;
  /** Turns of each way before them, which do not. */
  warmUp: number;
}

/** Reads `--rounds N` and `--warm-up N`, or else BENCH_ROUNDS and BENCH_WARM_UP. Throws on anything else. */
export function readOptions(args: string[], env: Record<string, string | undefined>, defaults: Options): Options {
  const { values } = parseArgs({ args, options: { rounds: { type: 'string' }, 'warm-up': { type: 'string' } } });
  return {
    rounds: wholeNumber('--rounds', values.rounds ?? env.BENCH_ROUNDS ?? String(defaults.rounds), 1),
    warmUp: wholeNumber('--warm-up', values['warm-up'] ?? env.BENCH_WARM_UP ?? String(defaults.warmUp), 0),
  };
}

function wholeNumber(name: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= 10_000) return number;
  throw new Error(`${name} must be a whole number from ${least} to 10000, not ${text}`);
}
