import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectBus, ConsumeOptions, Delivery, TeamBus } from '@agentcrew/nats';
import {
  type ControlRequest,
  type ControlResponse,
  CrewError,
  type Envelope,
  type SubjectKind,
  subjectFor,
} from '@agentcrew/protocol';

type Respond = (request: ControlRequest) => Promise<ControlResponse>;

interface Stored {
  seq: number;
  subject: string;
  kind: SubjectKind;
  agent: string;
  envelope: Envelope;
}

/** How far a durable consumer has come; the next process of the same name goes on there. */
interface Place {
  filter: string | undefined;
  /** The last message that is settled. */
  settled: number;
  /** One is handed out. */
  busy: boolean;
}

/** The oldest messages leave. */
const mostMessages = 10_000;
const retryMs = 1_000;

/** The bus of each team, in this process: nothing is lost as long as it lives, and everybody is always connected. */
export function memoryBuses(): ConnectBus {
  const teams = new Map<string, TeamStream>();
  return async ({ team }) => {
    const stream = teams.get(team) ?? new TeamStream(team);
    teams.set(team, stream);
    return connect(stream);
  };
}

class TeamStream {
  readonly team: string;
  readonly responders = new Map<string, Respond>();
  readonly #news = new EventEmitter().setMaxListeners(0);
  readonly #places = new Map<string, Place>();
  #messages: Stored[] = [];
  #last = 0;
  #exists = false;

  constructor(team: string) {
    this.team = team;
  }

  ensure(): { created: boolean } {
    const created = !this.#exists;
    this.#exists = true;
    return { created };
  }

  delete(): void {
    this.#exists = false;
    this.#messages = [];
  }

  add(kind: SubjectKind, agent: string, envelope: Envelope): number {
    this.#last += 1;
    this.#messages.push({ seq: this.#last, subject: subjectFor(this.team, kind, agent), kind, agent, envelope });
    this.#messages.splice(0, this.#messages.length - mostMessages);
    this.#news.emit('message');
    return this.#last;
  }

  lag(durable: string): { pending: number; unsettled: number } | undefined {
    const place = this.#places.get(durable);
    if (!place) return undefined;
    const unsettled = place.busy ? 1 : 0;
    return { pending: this.#messages.filter((stored) => isBefore(place, stored)).length - unsettled, unsettled };
  }

  async consume(
    { durable, filterSubject }: ConsumeOptions,
    handle: (delivery: Delivery) => Promise<void>,
    signal: AbortSignal,
  ) {
    const place = this.#places.get(durable) ?? { filter: filterSubject, settled: 0, busy: false };
    this.#places.set(durable, place);
    while (!signal.aborted) {
      const next = await this.#first((stored) => isBefore(place, stored), signal);
      if (!next) return;
      place.busy = true;
      // What it does not settle comes again.
      await handle(deliveryOf(next, place)).catch(() => delay(retryMs, undefined, { signal }).catch(() => undefined));
      place.busy = false;
    }
  }

  async reply(agent: string, messageId: string, signal: AbortSignal): Promise<Envelope> {
    const isReply = ({ kind, agent: from, envelope }: Stored) =>
      kind === 'reply' && from === agent && envelope.ref_message_id === messageId;
    const found = await this.#first(isReply, signal);
    if (!found) throw signal.reason;
    return found.envelope;
  }

  /** The first message of this kind, also one that comes later; `undefined` when the signal aborts before. */
  async #first(isMeant: (stored: Stored) => boolean, signal: AbortSignal): Promise<Stored | undefined> {
    while (!signal.aborted) {
      const found = this.#messages.find(isMeant);
      if (found) return found;
      await once(this.#news, 'message', { signal }).catch(() => undefined);
    }
    return undefined;
  }
}

function isBefore({ filter, settled }: Place, { seq, subject }: Stored): boolean {
  return seq > settled && (filter === undefined || filter === subject);
}

function deliveryOf({ seq, kind, agent, envelope }: Stored, place: Place): Delivery {
  const settle = () => {
    place.settled = seq;
  };
  return {
    envelope,
    kind,
    agent,
    attempt: 1,
    ackSubject: '',
    ack: async () => settle(),
    nak: () => undefined,
    term: settle,
    working: () => undefined,
  };
}

function connect(stream: TeamStream): TeamBus {
  const closed = new AbortController();
  const open = (signal: AbortSignal) => AbortSignal.any([signal, closed.signal]);
  return {
    team: stream.team,
    get connected() {
      return !closed.signal.aborted;
    },
    maxPayload: 1_048_576,
    ensureStream: async () => stream.ensure(),
    publish: async (kind, agent, envelope) => stream.add(kind, agent, envelope),
    awaitReply: (agent, messageId, _after, signal) => stream.reply(agent, messageId, open(signal)),
    consume: (options, handle, signal) => stream.consume(options, handle, open(signal)),
    redeliver: async () => undefined,
    consumerLag: async (durable) => stream.lag(durable),
    async request(agent, request) {
      const respond = stream.responders.get(agent);
      if (!respond) throw new CrewError('AGENT_NOT_READY', `Agent ${agent} is not running`);
      return respond(request);
    },
    respond(agent, respond) {
      const end = () => {
        if (stream.responders.get(agent) === respond) stream.responders.delete(agent);
      };
      stream.responders.set(agent, respond);
      closed.signal.addEventListener('abort', end);
      return { [Symbol.dispose]: end };
    },
    onConnection: () => ({ [Symbol.dispose]: () => undefined }),
    deleteStream: async () => stream.delete(),
    async [Symbol.asyncDispose]() {
      closed.abort(new CrewError('NATS_UNAVAILABLE', 'the bus is closed'));
    },
  };
}
