/** Runs the tasks of one key one after another, those of different keys side by side. */
export interface SerialQueue {
  run<T>(key: string, task: () => Promise<T>): Promise<T>;
  /** Whether a task of the key waits or runs. */
  isBusy(key: string): boolean;
  busyKeys(): string[];
}

export function serialQueue(): SerialQueue {
  const tails = new Map<string, Promise<void>>();
  return {
    run<T>(key: string, task: () => Promise<T>): Promise<T> {
      const result = (tails.get(key) ?? Promise.resolve()).then(task);
      const settled = () => {
        if (tails.get(key) === tail) tails.delete(key);
      };
      const tail: Promise<void> = result.then(settled, settled);
      tails.set(key, tail);
      return result;
    },
    isBusy: (key) => tails.has(key),
    busyKeys: () => [...tails.keys()],
  };
}
