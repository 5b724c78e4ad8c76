import { randomUUID } from 'node:crypto';
import type { Envelope } from '@agentcrew/protocol';
import { startNatsServer, type TestNatsServer } from '@agentcrew/testkit';
import { type BusOptions, connectBus, type TeamBus } from '../src/index.ts';

export const limits = { maxAgeMs: 3_600_000, maxBytes: 100_000_000 };

export function envelope(content: string, changes: Partial<Envelope> = {}): Envelope {
  return {
    message_id: randomUUID(),
    from: 'user',
    to: 'lead',
    type: 'user_message',
    payload: { content },
    timestamp: new Date().toISOString(),
    ...changes,
  };
}

export function contentOf(message: { envelope: Envelope }): unknown {
  return message.envelope.payload.content;
}

export function openBus(server: TestNatsServer, options: Partial<BusOptions> = {}): Promise<TeamBus> {
  return connectBus({ url: server.url, name: 'test', team: 'red', connectTimeoutMs: 30_000, ...options });
}

/** A server with a bus of team `red` and its stream. */
export async function startTeam(options: Partial<BusOptions> = {}) {
  const server = await startNatsServer();
  const bus = await openBus(server, options);
  await bus.ensureStream(limits);
  return {
    server,
    bus,
    async [Symbol.asyncDispose]() {
      await bus[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Runs a consumer for the time of a test; disposing ends it and fails when that takes long. */
export function consuming(...[bus, options, handle]: [TeamBus, ...DropLast<Parameters<TeamBus['consume']>>]) {
  const stop = new AbortController();
  const ended = bus.consume(options, handle, stop.signal);
  return {
    ended,
    abort: () => stop.abort(),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

type DropLast<T extends unknown[]> = T extends [...infer Head, unknown] ? Head : never;
