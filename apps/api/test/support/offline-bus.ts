import { once } from 'node:events';
import type { ConnectBus } from '@agentcrew/nats';
import { CrewError } from '@agentcrew/protocol';

function offline(): CrewError {
  return new CrewError('NATS_UNAVAILABLE', 'there is no message bus');
}

/** A bus that nothing is connected to: what is sent stays queued. */
export const connectOfflineBus: ConnectBus = async ({ team }) => ({
  team,
  connected: false,
  maxPayload: 1_048_576,
  ensureStream: async () => ({ created: false }),
  publish: async () => {
    throw offline();
  },
  awaitReply: async () => {
    throw offline();
  },
  consume: async (_options, _handle, signal) => {
    if (!signal.aborted) await once(signal, 'abort');
  },
  redeliver: async () => undefined,
  consumerLag: async () => undefined,
  request: async () => {
    throw offline();
  },
  respond: () => ({ [Symbol.dispose]: () => undefined }),
  onConnection: () => ({ [Symbol.dispose]: () => undefined }),
  deleteStream: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
});
