import type { ClaudeEvent, ClaudeProcess, TurnResult } from '@agentcrew/claude';
import type { Delivery, TeamBus } from '@agentcrew/nats';
import { type AgentSpec, agentSpecSchema, CrewError, type Envelope, noUsage } from '@agentcrew/protocol';
import { pino } from 'pino';

export const silent = pino({ level: 'silent' });

export function spec(overrides: Partial<AgentSpec> = {}): AgentSpec {
  return agentSpecSchema.parse({
    instance: 'unit',
    team: 'crew',
    agent: 'lead',
    agent_name: 'Lead',
    role: 'leader',
    nats_url: 'nats://127.0.0.1:4222',
    permissions: {},
    workspace: '/workspace',
    state_dir: '/state',
    ...overrides,
  });
}

export function message(id: string, overrides: Partial<Envelope> = {}): Envelope {
  return {
    message_id: id,
    from: 'user',
    to: 'lead',
    type: 'user_message',
    payload: { content: `text of ${id}` },
    timestamp: new Date().toISOString(),
    ...overrides,
  };
}

export function result(overrides: Partial<TurnResult> = {}): TurnResult {
  return {
    outcome: 'completed',
    text: 'done',
    usage: noUsage,
    costUsd: 0.5,
    durationMs: 12,
    sessionId: 'a0000000-0000-4000-8000-000000000000',
    ...overrides,
  };
}

/** A CLI whose turns are ended by the test. */
export class FakeClaude implements ClaudeProcess {
  readonly pid = 4711;
  readonly turns: { content: string | string[]; uuid: string }[] = [];
  interrupts = 0;
  disposed = false;
  #exit = Promise.withResolvers<{ exitCode?: number; signal?: string; stderr: string }>();
  #turn = Promise.withResolvers<TurnResult>();

  get exited() {
    return this.#exit.promise;
  }

  turn(input: { content: string | string[]; uuid: string }): Promise<TurnResult> {
    this.turns.push(input);
    this.#turn = Promise.withResolvers();
    return this.#turn.promise;
  }

  /** Ends the running turn. */
  finish(overrides: Partial<TurnResult> = {}): void {
    this.#turn.resolve(result(overrides));
  }

  /** Ends by itself, like a killed process. */
  die(): void {
    this.#turn.promise.catch(() => {});
    this.#turn.reject(new CrewError('CLI_FAILED', 'killed'));
    this.#exit.resolve({ signal: 'SIGKILL', stderr: '' });
  }

  async interrupt(): Promise<void> {
    this.interrupts += 1;
  }

  /** US dollars, as the CLI would tell. */
  cost: number | undefined = 0;
  async sessionCost(): Promise<number | undefined> {
    return this.cost;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
    this.die();
  }
}

export interface Published {
  kind: string;
  envelope: Envelope;
}

/** A bus that stores what is published, or refuses it while `down`. `deliver` hands a message to the consumer. */
export class FakeBus
  implements Pick<TeamBus, 'connected' | 'maxPayload' | 'publish' | 'consume' | 'onConnection' | 'redeliver'>
{
  readonly published: Published[] = [];
  readonly redelivered: string[] = [];
  maxPayload = 1_000_000;
  down = false;
  #listeners = new Set<(connected: boolean) => void>();
  #handle: ((delivery: Delivery) => Promise<void>) | undefined;

  get connected(): boolean {
    return !this.down;
  }

  /** As the interface that the product's code asks for. */
  get bus(): TeamBus {
    return this as unknown as TeamBus;
  }

  comeBack(): void {
    this.down = false;
    for (const listener of this.#listeners) listener(true);
  }

  async publish(kind: string, _agent: string, envelope: Envelope): Promise<number> {
    if (this.down) throw new CrewError('NATS_UNAVAILABLE', 'down');
    return this.published.push({ kind, envelope });
  }

  async consume(_options: unknown, handle: (delivery: Delivery) => Promise<void>, signal: AbortSignal): Promise<void> {
    this.#handle = handle;
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  /** Resolves with how the delivery was settled, if it was. */
  async deliver(envelope: Envelope): Promise<string | undefined> {
    let settled: string | undefined;
    const settle = (how: string) => {
      settled = how;
    };
    await this.#handle?.({
      envelope,
      kind: 'agent',
      agent: 'lead',
      attempt: 1,
      ackSubject: `ack.${envelope.message_id}`,
      ack: async () => settle('ack'),
      nak: () => settle('nak'),
      term: () => settle('term'),
      working: () => {},
    });
    return settled;
  }

  onConnection(listener: (connected: boolean) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  async redeliver(ackSubject: string): Promise<void> {
    this.redelivered.push(ackSubject);
  }
}

export function toolUse(id: string, name: string, input: Record<string, unknown>): ClaudeEvent {
  return { type: 'assistant', message: {}, content: [{ type: 'tool_use', id, name, input }] };
}
