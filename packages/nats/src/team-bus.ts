import type { ControlRequest, ControlResponse, Envelope, SubjectKind } from '@agentcrew/protocol';
import type { JetStreamManager } from '@nats-io/jetstream';
import { awaitReply } from './await-reply.ts';
import type { ConsumeOptions, Delivery, StreamLimits, TeamBus } from './bus.ts';
import type { Connection } from './connection.ts';
import { consume } from './consume.ts';
import { request, respond } from './control.ts';
import { natsUnavailable } from './errors.ts';
import { whileJetStreamStarts } from './patience.ts';
import { publish } from './publish.ts';
import { redeliver } from './redeliver.ts';
import { consumerLag, deleteStream, ensureStream } from './stream.ts';

/** The bus of one team over one connection, which it owns. */
export class NatsTeamBus implements TeamBus {
  readonly team: string;
  readonly #connection: Connection;
  readonly #onProblem: (problem: string) => void;

  constructor(connection: Connection, team: string, onProblem: (problem: string) => void) {
    this.team = team;
    this.#connection = connection;
    this.#onProblem = onProblem;
  }

  get connected(): boolean {
    return this.#connection.connected;
  }

  get maxPayload(): number {
    return this.#connection.maxPayload;
  }

  ensureStream(limits: StreamLimits, signal?: AbortSignal): Promise<{ created: boolean }> {
    return this.#manage('the stream could not be set up', (manager) =>
      whileJetStreamStarts(() => ensureStream(manager, this.team, limits), this.#untilEnded(signal)),
    );
  }

  publish(kind: SubjectKind, agent: string, envelope: Envelope): Promise<number> {
    return publish(this.#connection, this.team, kind, agent, envelope);
  }

  awaitReply(agent: string, messageId: string, after: number, signal: AbortSignal): Promise<Envelope> {
    const context = { connection: this.#connection, team: this.team };
    return awaitReply(context, { agent, messageId, after }, signal);
  }

  consume(options: ConsumeOptions, handle: (delivery: Delivery) => Promise<void>, signal: AbortSignal): Promise<void> {
    const context = { connection: this.#connection, team: this.team, onProblem: this.#onProblem };
    return consume(context, options, handle, signal);
  }

  redeliver(ackSubject: string): Promise<void> {
    return redeliver(this.#connection, ackSubject);
  }

  consumerLag(durable: string): Promise<{ pending: number; unsettled: number } | undefined> {
    return this.#manage('a consumer could not be read', (manager) => consumerLag(manager, this.team, durable));
  }

  request(agent: string, body: ControlRequest, timeoutMs: number): Promise<ControlResponse> {
    return request(this.#connection, this.team, agent, body, timeoutMs);
  }

  respond(agent: string, handle: (request: ControlRequest) => Promise<ControlResponse>): Disposable {
    return respond(this.#connection, this.team, agent, handle);
  }

  onConnection(listener: (connected: boolean) => void): Disposable {
    return this.#connection.onChange(listener);
  }

  deleteStream(signal?: AbortSignal): Promise<void> {
    return this.#manage('the stream could not be deleted', (manager) =>
      whileJetStreamStarts(() => deleteStream(manager, this.team), this.#untilEnded(signal)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }

  #untilEnded(signal?: AbortSignal): AbortSignal {
    const { ended } = this.#connection;
    return signal ? AbortSignal.any([signal, ended]) : ended;
  }

  async #manage<T>(failure: string, work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    try {
      return await this.#connection.request(async () => work(await this.#connection.manager()));
    } catch (error) {
      throw natsUnavailable(this.#connection.address, failure, error);
    }
  }
}
