import type { ClaudeEvent } from '@agentcrew/claude';
import type { AgentLimits } from '@agentcrew/protocol';
import { timerLimited } from '../pause.ts';
import { authenticationFailed } from './failures.ts';
import type { EndReason } from './turn-end.ts';

/**
 * Watches one turn and calls back, once, when it should not go on: it takes too long; the CLI says nothing although no
 * tool runs; Claude's API refuses the credential (the CLI itself would try again for minutes).
 */
export class Watchdog implements Disposable {
  readonly #limits: AgentLimits;
  readonly #bite: (reason: EndReason) => void;
  #timeout: NodeJS.Timeout | undefined;
  /** What is left of the turn's time, as of `#since`; that is absent while it stands still. */
  #leftMs: number;
  #since: number | undefined;
  readonly #runningTools = new Set<string>();
  #stall: NodeJS.Timeout | undefined;

  constructor(limits: AgentLimits, bite: (reason: EndReason) => void) {
    this.#limits = limits;
    this.#bite = bite;
    this.#leftMs = limits.turn_timeout_ms;
    this.#startTimeout();
    this.#restartStall();
  }

  /** To be told of everything the CLI prints. */
  see(event: ClaudeEvent): void {
    if (event.type === 'retry' && isAuthentication(event)) this.#bite(authenticationFailed(event.error));
    if (event.type === 'assistant') {
      for (const block of event.content) if (block.type === 'tool_use') this.#runningTools.add(block.id);
    }
    if (event.type === 'tool_result') this.#runningTools.delete(event.toolUseId);
    this.#restartStall();
  }

  /** A person is waited for, or not any more: meanwhile the turn's time stands still. */
  wait(waiting: boolean): void {
    if (waiting === (this.#since === undefined)) return;
    if (waiting) this.#stopTimeout();
    else this.#startTimeout();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timeout);
    clearTimeout(this.#stall);
  }

  #startTimeout(): void {
    const { turn_timeout_ms: limit } = this.#limits;
    this.#since = performance.now();
    this.#timeout = setTimeout(() => this.#bite(tookTooLong(limit)), timerLimited(this.#leftMs));
  }

  #stopTimeout(): void {
    clearTimeout(this.#timeout);
    this.#leftMs -= performance.now() - (this.#since ?? 0);
    this.#since = undefined;
  }

  /** A tool may be silent for as long as it runs (and a decision about it as long as it takes). */
  #restartStall(): void {
    clearTimeout(this.#stall);
    if (this.#runningTools.size > 0) return;
    const { stall_timeout_ms: limit } = this.#limits;
    this.#stall = setTimeout(() => this.#bite(stalled(limit)), timerLimited(limit));
  }
}

function isAuthentication({ status, error }: Extract<ClaudeEvent, { type: 'retry' }>): boolean {
  return status === 401 || error === 'authentication_failed';
}

function tookTooLong(limitMs: number): EndReason {
  const error = `The turn was ended because it took longer than ${inWords(limitMs)}. Ask for smaller steps, or raise the agent's turn timeout.`;
  return { status: 'failed', code: 'TURN_TIMEOUT', error };
}

function stalled(limitMs: number): EndReason {
  const error = `The turn was ended because Claude was silent for ${inWords(limitMs)}. Send the message again.`;
  return { status: 'failed', code: 'TURN_STALLED', error };
}

function inWords(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 1) return `${milliseconds} ms`;
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} minutes`;
}
