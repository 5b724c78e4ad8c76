/** The shortest time that a task took, in milliseconds: in one of the rounds nobody else may be using the machine. */
export async function fastest(rounds: number, task: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    await task();
    times.push(performance.now() - began);
  }
  return Math.min(...times);
}
