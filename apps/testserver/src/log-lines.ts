import { EventEmitter, once } from 'node:events';
import type { LogLine, LogOptions } from '@agentcrew/runtime';

const kept = 1_000;

/** The last lines that an agent has logged. */
export class LogLines {
  readonly #news = new EventEmitter().setMaxListeners(0);
  readonly #ended = new AbortController();
  #lines: LogLine[] = [];
  #count = 0;

  write(text: string): void {
    this.#lines = [
      ...this.#lines.slice(1 - kept),
      { stream: 'stdout', time: new Date().toISOString(), line: text.trimEnd() },
    ];
    this.#count += 1;
    this.#news.emit('line');
  }

  /** Nobody waits for more. */
  end(): void {
    this.#ended.abort();
  }

  async *read({ tail = kept, follow, signal }: LogOptions): AsyncGenerator<LogLine> {
    const stop = AbortSignal.any([this.#ended.signal, ...(signal ? [signal] : [])]);
    let seen = this.#count - Math.min(tail, this.#lines.length);
    do {
      const news = this.#lines.slice(Math.max(0, this.#lines.length - (this.#count - seen)));
      seen = this.#count;
      yield* news;
      if (seen === this.#count && follow) await once(this.#news, 'line', { signal: stop }).catch(() => undefined);
    } while (follow && !stop.aborted);
  }
}
