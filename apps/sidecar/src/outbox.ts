import type { TeamBus } from '@agentcrew/nats';
import { CrewError, type Envelope, messageOf, type SubjectKind } from '@agentcrew/protocol';
import type { Log } from './log.ts';
import { backOff, pause } from './pause.ts';

interface Item {
  kind: SubjectKind;
  envelope: Envelope;
  /** Present for what must not be lost: called when JetStream has stored it. */
  stored?: () => void;
}

/** How much may wait, besides replies, while NATS is away. */
const defaultLimit = 1000;
const retryPauses = { firstMs: 50, longestMs: 2_000 };

/**
 * The one queue through which everything the agent says goes out, in order, one after another. What NATS does not take
 * is tried again for ever; while it waits, the oldest activity gives way to newer, replies never do.
 */
export class Outbox {
  readonly #agent: string;
  readonly #log: Log;
  readonly #limit: number;
  readonly #queue: Item[] = [];
  readonly #closed = new AbortController();
  #bus: TeamBus | undefined;
  #dropped = 0;
  #draining: Promise<void> | undefined;

  constructor(options: { agent: string; log: Log; limit?: number }) {
    this.#agent = options.agent;
    this.#log = options.log;
    this.#limit = options.limit ?? defaultLimit;
  }

  /** From now on what is queued goes out through this bus. */
  open(bus: TeamBus): void {
    this.#bus = bus;
    this.#wake(bus);
  }

  /** Queues what may be lost in need: activity and status. */
  post(kind: 'activity' | 'status', envelope: Envelope): void {
    this.#add({ kind, envelope });
    if (this.#queue.length <= this.#limit) return;
    const oldest = this.#queue.findIndex((item) => item.stored === undefined);
    this.#queue.splice(oldest, 1);
    this.#dropped += 1;
  }

  /** Queues a reply; resolves when JetStream has stored it, and not at all when the outbox is closed before. */
  reply(envelope: Envelope): Promise<void> {
    return this.keep('reply', envelope);
  }

  /** The same for whatever must not be lost. */
  keep(kind: 'reply' | 'approval', envelope: Envelope): Promise<void> {
    return new Promise((resolve) => this.#add({ kind, envelope, stored: resolve }));
  }

  /** Sends what can be sent within the time, then nothing more. */
  async close(timeoutMs: number): Promise<void> {
    await Promise.race([this.#draining, pause(timeoutMs)]);
    this.#closed.abort();
  }

  #add(item: Item): void {
    this.#queue.push(item);
    if (this.#bus) this.#wake(this.#bus);
  }

  #wake(bus: TeamBus): void {
    if (this.#queue.length > 0) this.#draining ??= this.#drain(bus);
  }

  async #drain(bus: TeamBus): Promise<void> {
    let tries = 0;
    for (let item = this.#queue[0]; item && !this.#closed.signal.aborted; item = this.#queue[0]) {
      if (await this.#send(bus, item)) {
        this.#remove(item);
        tries = 0;
      } else {
        await this.#untilNextTry(bus, backOff(tries++, retryPauses));
      }
    }
    // In the same breath in which the queue was seen empty: what is added from now on starts another round.
    this.#draining = undefined;
  }

  /** Whether the item is dealt with. */
  async #send(bus: TeamBus, item: Item): Promise<boolean> {
    const { kind, envelope } = item;
    try {
      await bus.publish(kind, this.#agent, envelope);
      return true;
    } catch (error) {
      const mayComeTrue = error instanceof CrewError && error.code === 'NATS_UNAVAILABLE';
      if (mayComeTrue || item.stored) {
        this.#log.debug({ message_id: envelope.message_id, kind, error: messageOf(error) }, 'not published yet');
        return false;
      }
      this.#log.warn({ message_id: envelope.message_id, kind, error: messageOf(error) }, 'activity not published');
      return true;
    }
  }

  #remove(item: Item): void {
    // While it was being sent it may have given way to newer activity.
    if (this.#queue[0] === item) this.#queue.shift();
    item.stored?.();
    if (this.#dropped === 0) return;
    this.#log.warn({ dropped: this.#dropped }, 'activity was dropped while NATS was away');
    this.#dropped = 0;
  }

  /** Waits; a connection that comes back ends the wait. */
  async #untilNextTry(bus: TeamBus, milliseconds: number): Promise<void> {
    const back = new AbortController();
    const watch = bus.onConnection((connected) => connected && back.abort());
    await pause(milliseconds, AbortSignal.any([back.signal, this.#closed.signal]));
    watch[Symbol.dispose]();
  }
}
