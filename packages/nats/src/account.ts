import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

/** A user of a nats-server. */
export interface NatsLogin {
  /** Default: this host. */
  host?: string;
  port: number;
  user: string;
  password: string;
}

/**
 * Whether a server listens on the port, takes this user and serves JetStream to it. During a reload the second is true
 * a moment before the third.
 */
export async function servesUser(login: NatsLogin, timeoutMs: number): Promise<boolean> {
  return withManager(login, timeoutMs, async (manager) => {
    await manager.getAccountInfo();
    return true;
  }).catch(() => false);
}

/** Deletes every JetStream stream of the user's account. Rejects when the server does not confirm one. */
export async function deleteAllStreams(login: NatsLogin, timeoutMs: number): Promise<void> {
  await withManager(login, timeoutMs, async (manager) => {
    for await (const name of manager.streams.names()) await manager.streams.delete(name);
  });
}

async function withManager<T>(
  { host = '127.0.0.1', port, user, password }: NatsLogin,
  timeout: number,
  work: (manager: JetStreamManager) => Promise<T>,
): Promise<T> {
  const nc = await connect({ servers: `${host}:${port}`, user, pass: password, timeout, reconnect: false });
  try {
    return await work(await jetstreamManager(nc, { timeout, checkAPI: false }));
  } finally {
    await nc.close();
  }
}
