/** Numbers that look random and are the same in every run (mulberry32); `next` gives one from 0 up to `below`. */
export function createRandom(seed: number) {
  let state = seed;
  function fraction(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const next = (below: number) => Math.floor(fraction() * below);
  function pick<T>(choices: readonly T[]): T {
    const choice = choices[next(choices.length)];
    if (choice === undefined) throw new Error('nothing to choose from');
    return choice;
  }
  return { next, pick };
}

export type Random = ReturnType<typeof createRandom>;
