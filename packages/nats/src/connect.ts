import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { abortable } from './abortable.ts';
import { type ServerAddress, serverAddress } from './address.ts';
import type { BusOptions, ConnectBus } from './bus.ts';
import { Connection } from './connection.ts';
import { natsUnavailable } from './errors.ts';
import { NatsTeamBus } from './team-bus.ts';

const defaultConnectTimeoutMs = 10_000;
/** One attempt to connect, first or later: long enough for a busy server, short enough to try again. */
const attemptTimeoutMs = 5_000;
/** A server that says nothing is given up after three of these. */
const pingIntervalMs = 5_000;

/**
 * Opens the bus of one team. Tries until `connectTimeoutMs` or the signal, a refused password included: a server that
 * was just told of a new team may not know it yet. Throws NATS_UNAVAILABLE.
 */
export const connectBus: ConnectBus = async (options) => {
  const address = serverAddress(options);
  const connection = new Connection(await firstConnection(address, options), address.hostPort);
  return new NatsTeamBus(connection, options.team, options.onProblem ?? (() => {}));
};

async function firstConnection(address: ServerAddress, options: BusOptions): Promise<NatsConnection> {
  const { connectTimeoutMs = defaultConnectTimeoutMs, signal } = options;
  const deadline = AbortSignal.timeout(connectTimeoutMs);
  const limit = signal ? AbortSignal.any([deadline, signal]) : deadline;
  let failure: unknown;
  while (!limit.aborted) {
    try {
      return await attempt(clientOptions(address, options), limit);
    } catch (error) {
      if (!limit.aborted) failure = error;
    }
    await sleep(reconnectDelay(), undefined, { signal: limit }).catch(() => {});
  }
  const what = signal?.aborted ? 'connecting was cancelled' : `no connection within ${connectTimeoutMs} ms`;
  throw natsUnavailable(address.hostPort, what, failure);
}

async function attempt(options: NodeConnectionOptions, limit: AbortSignal): Promise<NatsConnection> {
  const opening = connect(options);
  try {
    return await abortable(opening, limit);
  } catch (error) {
    opening.then(
      (late) => late.close(),
      () => {},
    );
    throw error;
  }
}

function clientOptions(address: ServerAddress, { name, team }: BusOptions): NodeConnectionOptions {
  return {
    servers: address.hostPort,
    ...(address.user !== undefined && { user: address.user }),
    ...(address.pass !== undefined && { pass: address.pass }),
    ...(address.token !== undefined && { token: address.token }),
    ...(address.tls && { tls: {} }),
    name,
    inboxPrefix: `_INBOX.${team}`,
    timeout: attemptTimeoutMs,
    pingInterval: pingIntervalMs,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: reconnectDelay,
    // A server that restarts or reloads may not know the team's password for a moment.
    ignoreAuthErrorAbort: true,
    // Addresses a server tells of itself need not be reachable from here (containers, port forwards).
    ignoreClusterUpdates: true,
  };
}

/** Between two attempts, in milliseconds; spread out so that a team's agents do not come back all at once. */
function reconnectDelay(): number {
  return 250 + Math.floor(Math.random() * 500);
}
