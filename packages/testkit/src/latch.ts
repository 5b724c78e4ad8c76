export interface Latch<T> {
  /** Resolves with the value given to the first `open`. */
  promise: Promise<T>;
  open(value: T): void;
}

/** A promise opened from outside: how a test waits for something it is told of, instead of sleeping. */
export function latch<T = void>(): Latch<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { promise, open: resolve };
}
