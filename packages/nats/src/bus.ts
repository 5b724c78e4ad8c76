import type { ControlRequest, ControlResponse, Envelope, SubjectKind } from '@agentcrew/protocol';

export interface BusOptions {
  url: string;
  user?: string;
  /** Password of `user`, or a token when there is no user. */
  token?: string;
  /** Connection name shown by nats-server: `<team>-<agent>` or `api-<team>`. */
  name: string;
  /** Slug of the team whose subjects this connection is for. */
  team: string;
  /** How long the first connection may take, in milliseconds; afterwards it reconnects for ever. Default 10 000. */
  connectTimeoutMs?: number;
  signal?: AbortSignal;
  /** Told in words what went wrong without being anybody's error: messages nobody can read, a consumer that is gone. */
  onProblem?: (problem: string) => void;
}

export interface StreamLimits {
  /** Oldest messages go after this time, in milliseconds. */
  maxAgeMs: number;
  maxBytes: number;
}

/** A message handed out by a durable consumer. It must be settled by exactly one of the first three. */
export interface Delivery {
  envelope: Envelope;
  kind: SubjectKind;
  /** The agent in the subject. */
  agent: string;
  /** How often it was handed out, 1 for the first time. */
  attempt: number;
  /** Subject to settle this delivery after a restart, see `TeamBus.redeliver`. */
  ackSubject: string;
  /** Settled; resolves when the server has it. */
  ack(): Promise<void>;
  /** Hand it out again, after `delayMs`. */
  nak(delayMs?: number): void;
  /** Never hand it out again; the reason goes to `onProblem`. */
  term(reason: string): void;
  /** Not settled yet: wait longer. */
  working(): void;
}

export interface ConsumeOptions {
  durable: string;
  /** One filter subject (nats-server 2.9 knows no more); absent: the whole stream. */
  filterSubject?: string;
  /** How many may be handed out and not settled. */
  maxAckPending: number;
  /** Handed out again when neither settled nor `working()` for so long. Default 10 000. */
  ackWaitMs?: number;
}

/** One team's bus: publish with dedup, durable consume, control requests. Throws CrewError `NATS_UNAVAILABLE`. */
export interface TeamBus extends AsyncDisposable {
  readonly team: string;
  readonly connected: boolean;
  /** Largest envelope the server takes, in bytes. */
  readonly maxPayload: number;
  /**
   * Creates or updates the team's stream. `created` tells that it was not there: what it held is gone. Waits up to 5 s,
   * or until the signal aborts, for a JetStream that starts.
   */
  ensureStream(limits: StreamLimits, signal?: AbortSignal): Promise<{ created: boolean }>;
  /**
   * Stores the envelope; resolves when it is stored, with its number in the stream. A second copy of the same
   * `message_id` is dropped by the server, and has the number of the first.
   */
  publish(kind: SubjectKind, agent: string, envelope: Envelope): Promise<number>;
  /**
   * Waits for what the agent answers to a message, looking at all it said since `after`, a number in the stream.
   * Survives reconnects; rejects only when the signal aborts, or the bus is closed.
   */
  awaitReply(agent: string, messageId: string, after: number, signal: AbortSignal): Promise<Envelope>;
  /**
   * Hands out the consumer's messages one after another until the signal aborts: the next one follows when `handle`
   * is done. What does not parse is told to `onProblem`, terminated and skipped. Survives reconnects and a consumer
   * that was deleted; a `handle` that throws means `nak` after a second. Resolves when the signal has aborted and the
   * running `handle` is done; what was fetched and not handed out yet goes back to the server.
   */
  consume(options: ConsumeOptions, handle: (delivery: Delivery) => Promise<void>, signal: AbortSignal): Promise<void>;
  /** Asks the server to hand out a delivery of an earlier process again, now. */
  redeliver(ackSubject: string): Promise<void>;
  /** What a consumer has before it; `undefined` when it does not exist. */
  consumerLag(durable: string): Promise<{ pending: number; unsettled: number } | undefined>;
  request(agent: string, request: ControlRequest, timeoutMs: number): Promise<ControlResponse>;
  respond(agent: string, handle: (request: ControlRequest) => Promise<ControlResponse>): Disposable;
  /** Called with the state of the connection whenever it changes. */
  onConnection(listener: (connected: boolean) => void): Disposable;
  /** Deletes the team's stream with all it holds; unknown is no error. Waits as `ensureStream` does. */
  deleteStream(signal?: AbortSignal): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Opens the bus of one team. */
export type ConnectBus = (options: BusOptions) => Promise<TeamBus>;
