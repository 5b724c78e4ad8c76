type Listener = (waiting: boolean) => void;

/** Whether a person is waited for, for whoever's clock has to stand still meanwhile. */
export class Waiting {
  readonly #listeners = new Set<Listener>();
  #now = false;

  /** Tells the listeners when that changes. */
  set(waiting: boolean): void {
    if (waiting === this.#now) return;
    this.#now = waiting;
    for (const listener of this.#listeners) listener(waiting);
  }

  listen(listener: Listener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }
}
