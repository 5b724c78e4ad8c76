import { messageOf, parseEnvelope, parseSubject } from '@agentcrew/protocol';
import type { JsMsg } from '@nats-io/jetstream';
import type { Delivery } from './bus.ts';
import type { Connection } from './connection.ts';
import { ackSubjectOf, deliveryOf } from './delivery.ts';
import { redeliver } from './redeliver.ts';

/** A handler that failed gets its message again after this time, in milliseconds. */
const retryDelayMs = 1_000;

export interface LineOptions {
  connection: Connection;
  handle: (delivery: Delivery) => Promise<void>;
  /** When it aborts, what still waits goes back to the server. */
  stop: AbortSignal;
  ackWaitMs: number;
  onProblem: (problem: string) => void;
}

/**
 * Hands fetched messages to the handler one by one. It is no longer than `max_ack_pending`, since the server sends no
 * more; those that wait are kept in progress, or the server would send them a second time.
 */
export class Line {
  readonly #options: LineOptions;
  readonly #waiting = new Set<JsMsg>();
  readonly #undone: string[] = [];
  readonly #keepAlive: NodeJS.Timeout;
  #last: Promise<void> = Promise.resolve();

  constructor(options: LineOptions) {
    this.#options = options;
    this.#keepAlive = setInterval(() => this.#keepWaiting(), options.ackWaitMs / 3);
  }

  add(message: JsMsg): void {
    this.#waiting.add(message);
    this.#last = this.#last.then(() => {
      this.#waiting.delete(message);
      return this.#serve(message);
    });
  }

  /** To be called once `stop` has aborted. Resolves when the running handler is done and the rest is handed back. */
  async close(): Promise<void> {
    clearInterval(this.#keepAlive);
    await this.#last;
    const [first, ...more] = this.#undone;
    // Should it fail, they come again after the ack wait.
    if (first !== undefined) await redeliver(this.#options.connection, first, ...more).catch(() => {});
  }

  #keepWaiting(): void {
    if (!this.#options.connection.connected) return;
    for (const message of this.#waiting) message.working();
  }

  async #serve(message: JsMsg): Promise<void> {
    const { connection, handle, stop, onProblem } = this.#options;
    if (stop.aborted) {
      this.#undone.push(ackSubjectOf(message));
      return;
    }
    try {
      const subject = parseSubject(message.subject);
      const envelope = parseEnvelope(message.data);
      if (subject === undefined || envelope === undefined) return this.#reject(message);
      const content = { envelope, kind: subject.kind, agent: subject.agent };
      await handle(deliveryOf(connection, message, content, onProblem));
    } catch (error) {
      onProblem(`a message on ${message.subject} could not be handled: ${messageOf(error)}`);
      if (connection.connected) message.nak(retryDelayMs);
    }
  }

  #reject(message: JsMsg): void {
    this.#options.onProblem(`a message of ${message.data.length} bytes on ${message.subject} is not an envelope`);
    message.term();
  }
}
