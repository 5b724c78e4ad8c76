import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import type { AddressGuard } from './address-guard.ts';

/** Where a request must not go. Trying again would not help. */
export class TargetRefused extends Error {
  override name = 'TargetRefused';
}

/** Finds the addresses of a host; as that of `node:dns`, always asked for all of them. */
export type Lookup = (
  host: string,
  options: { all: true; family?: number | 'IPv4' | 'IPv6' | undefined; hints?: number | undefined },
  callback: (error: NodeJS.ErrnoException | null, addresses: { address: string; family: number }[]) => void,
) => void;

/** A connection is given up only after the time of its attempt, whose end is what a person is told of. */
const afterwardsMs = 1_000;

export type Connector = ReturnType<typeof buildConnector>;

/**
 * Connects only where the guard allows it. It asks about the very addresses that are connected to: a name that has
 * another address the next time it is looked up gains nothing.
 */
export function guardedConnector(guard: AddressGuard, timeoutMs: number, resolve: Lookup = systemLookup): Connector {
  const lookup: LookupFunction = (host, { family, hints, all }, callback) =>
    resolve(host, { family, hints, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error || !first) return callback(error ?? new Error(`${host} has no address`), []);
      if (addresses.some(({ address }) => !guard.allows(host, address))) return callback(refusal(host), []);
      if (all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  const connect = buildConnector({ lookup, timeout: timeoutMs + afterwardsMs });
  return (options, callback) => {
    const { hostname } = options;
    // Node looks up names only.
    if (isIP(hostname) !== 0 && !guard.allows(hostname, hostname)) callback(refusal(hostname), null);
    else connect(options, callback);
  };
}

/** Does not tell the address: who may not go there need not know it. */
function refusal(host: string): TargetRefused {
  return new TargetRefused(`${host} is at a private address, which POST_ACTION_ALLOW_PRIVATE does not list`);
}
