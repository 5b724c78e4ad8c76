import { setTimeout as sleep } from 'node:timers/promises';
import { type JetStreamClient, type JetStreamManager, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { abortable } from './abortable.ts';

/** How long the server may take to answer a JetStream request, in milliseconds. */
export const answerTimeoutMs = 5_000;
const drainTimeoutMs = 2_000;
/** What the server counts into a payload besides the envelope: the header with the message id. */
const headerBytes = 1_024;

/** The client's connection with what it does not tell itself: whether it is up, and when it went down. */
export class Connection implements AsyncDisposable {
  readonly nc: NatsConnection;
  /** `host:port`, for messages. */
  readonly address: string;
  readonly js: JetStreamClient;
  readonly #listeners = new Set<(connected: boolean) => void>();
  readonly #inFlight = new Set<(reason: Error) => void>();
  readonly #ending = new AbortController();
  #connected = true;
  #maxPayload: number;

  constructor(nc: NatsConnection, address: string) {
    this.nc = nc;
    this.address = address;
    this.js = jetstream(nc, { timeout: answerTimeoutMs });
    this.#maxPayload = this.#readMaxPayload(1_048_576);
    void this.#follow();
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Bytes of the largest envelope; while disconnected, that of the last server seen. */
  get maxPayload(): number {
    return this.#maxPayload;
  }

  /** Aborts when the connection is closed for good. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  manager(): Promise<JetStreamManager> {
    return this.js.jetstreamManager(false);
  }

  onChange(listener: (connected: boolean) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Resolves when the connection is up, or the signal aborts. */
  async untilConnected(signal: AbortSignal): Promise<void> {
    if (this.#connected) return;
    const up = Promise.withResolvers<void>();
    const watch = this.onChange((connected) => connected && up.resolve());
    await abortable(up.promise, signal).catch(() => {});
    watch[Symbol.dispose]();
  }

  /**
   * Does a request that needs the server. Rejects at once while disconnected, and as soon as the connection breaks:
   * the client would buffer it, or wait its whole timeout for an answer that cannot come any more.
   */
  request<T>(start: () => Promise<T>): Promise<T> {
    if (!this.#connected) return Promise.reject(new Error('not connected'));
    return new Promise((resolve, reject) => {
      this.#inFlight.add(reject);
      start()
        .then(resolve, reject)
        .finally(() => this.#inFlight.delete(reject));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new Error('the bus is closed'));
    if (this.#connected) {
      const timer = new AbortController();
      const late = sleep(drainTimeoutMs, undefined, { signal: timer.signal });
      await Promise.race([this.nc.drain(), late]).catch(() => {});
      timer.abort();
      late.catch(() => {});
    }
    await this.nc.close();
  }

  async #follow(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === 'reconnect') this.#change(true);
      if (status.type === 'disconnect' || status.type === 'close') this.#change(false);
    }
    this.#change(false);
    this.#ending.abort(new Error('the bus is closed'));
  }

  #change(connected: boolean): void {
    if (connected === this.#connected) return;
    this.#connected = connected;
    this.#maxPayload = this.#readMaxPayload(this.#maxPayload);
    if (!connected) for (const reject of this.#inFlight) reject(new Error('the connection broke'));
    for (const listener of this.#listeners) listener(connected);
  }

  #readMaxPayload(otherwise: number): number {
    return this.nc.info ? this.nc.info.max_payload - headerBytes : otherwise;
  }
}
