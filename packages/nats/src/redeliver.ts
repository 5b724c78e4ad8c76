import type { Connection } from './connection.ts';
import { natsUnavailable } from './errors.ts';

/** How long the request that clears the way waits for a message it cannot get, in nanoseconds (20 ms). */
const probeExpiresNs = 20_000_000;
const probeTimeoutMs = 2_000;

/**
 * Asks for deliveries of one consumer to be handed out again, now, in this order; works across processes. Settled ones
 * are left alone. Throws NATS_UNAVAILABLE, also when the consumer is not there (a new one hands out everything anyway).
 */
export async function redeliver(connection: Connection, first: string, ...more: string[]): Promise<void> {
  try {
    await connection.request(async () => {
      await clearDeadRequests(connection, consumerOf(first));
      for (const ackSubject of [first, ...more]) connection.nc.publish(ackSubject, '-NAK');
      await connection.nc.flush();
    });
  } catch (error) {
    throw natsUnavailable(connection.address, 'redelivery could not be asked for', error);
  }
}

/**
 * nats-server 2.9 takes a redelivery off its list for the request of a process that is dead, and then only remembers it
 * after the whole ack wait. Another request makes it look through its requests first; with room for one byte it cannot
 * get a message itself, and is answered with a status.
 */
async function clearDeadRequests({ nc }: Connection, consumer: string): Promise<void> {
  const probe = { batch: 1, max_bytes: 1, expires: probeExpiresNs };
  await nc.request(`$JS.API.CONSUMER.MSG.NEXT.${consumer}`, JSON.stringify(probe), { timeout: probeTimeoutMs });
}

/** `<stream>.<consumer>` of `$JS.ACK.<stream>.<consumer>.…`, or with domain and account before them. */
function consumerOf(ackSubject: string): string {
  const tokens = ackSubject.split('.');
  return tokens.slice(...(tokens.length === 9 ? [2, 4] : [4, 6])).join('.');
}
