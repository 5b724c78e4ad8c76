import type { ClaudeEvent } from '@agentcrew/claude';

type Listener = (event: ClaudeEvent) => void;

/** What the CLI prints, for whoever wants to know; independent of which CLI process prints it. */
export class CliEvents {
  readonly #listeners = new Set<Listener>();

  listen(listener: Listener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  emit(event: ClaudeEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
