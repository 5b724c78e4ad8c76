import type { ClaudeEvent } from '@agentcrew/claude';
import { timerLimited } from '../pause.ts';

/** A longer wait is answered as a failure: the person can decide what to do with a day. In milliseconds. */
const longestWaitMs = 24 * 3_600_000;
/** The limit's clock and ours differ a little. */
const marginMs = 1_000;

/** When Claude's limit for the account ends, as the CLI told last. */
export class RateLimit {
  #resetsAt = 0;

  /** To be told of everything the CLI prints. */
  see(event: ClaudeEvent): void {
    if (event.type === 'rate_limit') this.#resetsAt = event.resetsAt;
  }

  /** Milliseconds until the turn may be tried again; `undefined` when nobody said, or it would take too long. */
  waitMs(now: number = Date.now()): number | undefined {
    const wait = this.#resetsAt - now;
    return wait > 0 && wait <= longestWaitMs ? timerLimited(wait + marginMs) : undefined;
  }

  /** RFC 3339. */
  get resetsAt(): string {
    return new Date(this.#resetsAt).toISOString();
  }
}
