import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { messageOf } from '@agentcrew/protocol';
import type { RuntimeLogger } from '../shared/logger.ts';
import type { Cluster } from './cluster.ts';
import { type ForwardTarget, forwardConnection } from './forwarded-connection.ts';

const host = '127.0.0.1';
/** The server has one connection to each NATS, and for a while those that it replaces. */
const maxConnections = 64;

/** Ports of this host's loopback that lead to pods, one per key. */
export interface Forwards extends AsyncDisposable {
  /**
   * An address whose connections each go to the pod of the target that is ready at that time, and end with it: a client
   * that connects again reaches the present one. The same key keeps its address until it is closed.
   */
  open(key: string, target: ForwardTarget): Promise<{ host: string; port: number }>;
  /** Ends the connections too. */
  close(key: string): Promise<void>;
}

type Forward = { port: number } & AsyncDisposable;

export function podForwards(cluster: Cluster, log: RuntimeLogger): Forwards {
  const forwards = new Map<string, Promise<Forward>>();

  async function close(key: string): Promise<void> {
    const forward = forwards.get(key);
    forwards.delete(key);
    await (await forward)?.[Symbol.asyncDispose]();
  }

  return {
    async open(key, target) {
      const forward = forwards.get(key) ?? listen(cluster, target, log);
      forwards.set(key, forward);
      try {
        return { host, port: (await forward).port };
      } catch (error) {
        forwards.delete(key);
        throw error;
      }
    },

    close,

    async [Symbol.asyncDispose]() {
      await Promise.all([...forwards.keys()].map(close));
    },
  };
}

async function listen(cluster: Cluster, target: ForwardTarget, log: RuntimeLogger): Promise<Forward> {
  const stop = new AbortController();
  const tell = troubleTeller(target, log);
  const server = createServer((client: Socket) => {
    client.on('error', () => undefined);
    forwardConnection(cluster, target, client, stop.signal).then(
      () => tell(),
      (error: unknown) => stop.signal.aborted || tell(messageOf(error)),
    );
  });
  server.maxConnections = maxConnections;
  server.listen(0, host);
  await once(server, 'listening');
  server.on('error', (error) => tell(messageOf(error)));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      stop.abort();
      await closed;
    },
  };
}

/** A client tries again and again: the same trouble is told once, until a connection ends without. */
function troubleTeller({ namespace, labels }: ForwardTarget, log: RuntimeLogger): (trouble?: string) => void {
  let last: string | undefined;
  return (trouble) => {
    if (trouble !== undefined && trouble !== last) {
      log.warn({ namespace, labels, err: trouble }, 'a connection to a pod through Kubernetes failed');
    }
    last = trouble;
  };
}
