import { once } from 'node:events';
import type { BusOptions, ConnectBus, Delivery, TeamBus } from '@agentcrew/nats';
import {
  type ControlRequest,
  type ControlResponse,
  CrewError,
  type Envelope,
  type SubjectKind,
} from '@agentcrew/protocol';
import { waitFor } from '@agentcrew/testkit';

/** How a delivery was settled, as far as it is. */
interface Settled {
  how: 'ack' | 'nak' | 'term' | undefined;
  reason?: string;
  /** How often more time was asked for. */
  working: number;
  /** Resolves when the consumer is done with it. */
  done: Promise<void>;
}

/** The bus of one team, without a server: what is published is kept in a list, what agents say comes from the test. */
export interface FakeBus {
  readonly published: { agent: string; envelope: Envelope }[];
  readonly requests: { agent: string; request: ControlRequest }[];
  /** Those that only tell how things are: they come again with each connection and change. */
  readonly briefings: { agent: string; request: ControlRequest }[];
  readonly lag: Map<string, { pending: number; unsettled: number } | undefined>;
  streamExists: boolean;
  /** How often the server connected, and how many of these connections are open. */
  connections: number;
  open: number;
  /** Called before something is published; what it throws is what the publisher gets. */
  onPublish: (envelope: Envelope) => void | Promise<void>;
  onRequest: (request: ControlRequest) => void | Promise<void>;
  /** What the agent answers to a request. */
  answer: (request: ControlRequest) => ControlResponse | Promise<ControlResponse>;
  setConnected(connected: boolean): void;
  /** Hands the envelope to the server's consumer, as soon as it has one. */
  deliver(envelope: Envelope, subject?: { kind?: SubjectKind; agent?: string }): Promise<Settled>;
}

export interface FakeBuses {
  connectBus: ConnectBus;
  of(team: string): FakeBus;
  /** Called before a connection is opened; what it throws is what the opener gets. */
  onConnect: (options: BusOptions) => void | Promise<void>;
}

type Handle = (delivery: Delivery) => Promise<void>;

export function createFakeBuses(): FakeBuses {
  const buses = new Map<string, ReturnType<typeof createBus>>();
  function of(team: string) {
    const present = buses.get(team) ?? createBus(team);
    buses.set(team, present);
    return present;
  }
  const fakes: FakeBuses = {
    onConnect: () => undefined,
    of,
    async connectBus(options) {
      await fakes.onConnect(options);
      return of(options.team).connect();
    },
  };
  return fakes;
}

function unavailable(): CrewError {
  return new CrewError('NATS_UNAVAILABLE', 'the bus is away');
}

function createBus(team: string): FakeBus & { connect(): TeamBus } {
  let connected = true;
  const listeners = new Set<(connected: boolean) => void>();
  const handles = new Set<Handle>();

  const bus: FakeBus & { connect(): TeamBus } = {
    published: [],
    requests: [],
    briefings: [],
    lag: new Map(),
    streamExists: false,
    connections: 0,
    open: 0,
    onPublish: () => undefined,
    onRequest: () => undefined,
    answer: () => ({ ok: true }),
    setConnected(now) {
      connected = now;
      for (const listener of listeners) listener(now);
    },
    async deliver(envelope, { kind = 'reply', agent = envelope.from } = {}) {
      const handle = await waitFor('a consumer', () => [...handles].at(-1));
      const settled: Settled = { how: undefined, working: 0, done: Promise.resolve() };
      settled.done = handle({
        envelope,
        kind,
        agent,
        attempt: 1,
        ackSubject: '$ack',
        ack: async () => {
          settled.how = 'ack';
        },
        nak: () => {
          settled.how = 'nak';
        },
        term: (reason) => {
          settled.how = 'term';
          settled.reason = reason;
        },
        working: () => {
          settled.working += 1;
        },
      });
      // Who does not wait for it must not fail because of it.
      settled.done.catch(() => undefined);
      return settled;
    },
    connect() {
      bus.connections += 1;
      bus.open += 1;
      return {
        team,
        get connected() {
          return connected;
        },
        maxPayload: 1_048_576,
        async ensureStream() {
          const created = !bus.streamExists;
          bus.streamExists = true;
          return { created };
        },
        async publish(_kind, agent, envelope) {
          if (!connected) throw unavailable();
          await bus.onPublish(envelope);
          return bus.published.push({ agent, envelope });
        },
        awaitReply: async () => {
          throw unavailable();
        },
        async consume(_options, handle, signal) {
          handles.add(handle);
          if (!signal.aborted) await once(signal, 'abort');
          handles.delete(handle);
        },
        redeliver: async () => undefined,
        consumerLag: async (durable) => (bus.lag.has(durable) ? bus.lag.get(durable) : { pending: 0, unsettled: 0 }),
        async request(agent, request) {
          await bus.onRequest(request);
          (['instructions', 'mcp_servers', 'skills'].includes(request.type) ? bus.briefings : bus.requests).push({
            agent,
            request,
          });
          return bus.answer(request);
        },
        respond: () => ({ [Symbol.dispose]: () => undefined }),
        onConnection(listener) {
          listeners.add(listener);
          return { [Symbol.dispose]: () => void listeners.delete(listener) };
        },
        async deleteStream() {
          bus.streamExists = false;
        },
        async [Symbol.asyncDispose]() {
          bus.open -= 1;
        },
      };
    },
  };
  return bus;
}
