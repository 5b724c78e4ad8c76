import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { z } from 'zod';

export interface ListenAddress {
  /** Empty: all interfaces. */
  host: string;
  port: number;
}

/** Reads `host:port`, `[::1]:port` or `:port` (all interfaces); `undefined` for anything else. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text.trim());
  const port = Number(match?.[3]);
  if (!match || port > 65_535) return undefined;
  return { host: match[1] ?? match[2] ?? '', port };
}

export const listenAddressSchema = z.string().transform((text, context) => {
  const address = parseListenAddress(text);
  if (address) return address;
  context.addIssue({ code: 'custom', message: 'must be host:port or :port' });
  return z.NEVER;
});

/** The host of "all interfaces": IPv6 takes IPv4 along, but some containers have none. */
export function anyInterface(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((known) => known ?? []);
  return addresses.some(({ family }) => family === 'IPv6') ? '::' : '0.0.0.0';
}

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
