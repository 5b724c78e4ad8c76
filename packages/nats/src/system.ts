import { connect } from '@nats-io/transport-node';
import type { NatsLogin } from './account.ts';
import { serverAddress } from './address.ts';
import { natsUnavailable } from './errors.ts';

interface ReloadAnswer {
  error?: { description?: string };
}

/** Host, port, user and password of a URL. Throws CrewError `NATS_UNAVAILABLE` when it has no user and password. */
export function loginOf(url: string): Required<NatsLogin> {
  const { hostPort, user, pass } = serverAddress({ url });
  if (user === undefined || pass === undefined) throw natsUnavailable(hostPort, 'the URL needs a user and a password');
  const colon = hostPort.lastIndexOf(':');
  return { host: hostOf(url), port: Number(hostPort.slice(colon + 1)), user, password: pass };
}

/** Host name or address in a URL of NATS. */
export function hostOf(url: string): string {
  const { hostPort } = serverAddress({ url });
  return hostPort.slice(0, hostPort.lastIndexOf(':'));
}

/**
 * Makes a nats-server (2.10 or newer) read its configuration again; it keeps the old one when the new one has a
 * mistake. Throws CrewError `NATS_UNAVAILABLE`.
 * @param system a user of the server's system account
 */
export async function reloadServer(system: Required<NatsLogin>, timeoutMs: number): Promise<void> {
  const { host, port, user, password } = system;
  const address = `${host}:${port}`;
  try {
    const nc = await connect({ servers: address, user, pass: password, timeout: timeoutMs, reconnect: false });
    try {
      const subject = `$SYS.REQ.SERVER.${nc.info?.server_id}.RELOAD`;
      const { error } = (await nc.request(subject, '', { timeout: timeoutMs })).json<ReloadAnswer>();
      if (error) throw new Error(error.description ?? 'refused');
    } finally {
      await nc.close();
    }
  } catch (error) {
    throw natsUnavailable(address, 'the configuration was not reloaded', error);
  }
}
