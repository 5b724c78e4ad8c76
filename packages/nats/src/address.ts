import { CrewError } from '@agentcrew/protocol';
import type { BusOptions } from './bus.ts';

/** Where to connect and as whom; `hostPort` is free of secrets and fit for messages. */
export interface ServerAddress {
  hostPort: string;
  tls: boolean;
  user: string | undefined;
  pass: string | undefined;
  /** Set when there is no user. */
  token: string | undefined;
}

/**
 * Reads the URL (`nats://` or `tls://`, credentials allowed). Credentials of the options win over those in the URL; a
 * URL with a user part only holds a token, as is the custom of NATS.
 */
export function serverAddress({ url, user, token }: Pick<BusOptions, 'url' | 'user' | 'token'>): ServerAddress {
  const parsed = URL.parse(url.includes('://') ? url : `nats://${url}`);
  // The error must not have the URL in it, not even as a cause: it may hold a password.
  if (!parsed?.hostname) throw new CrewError('NATS_UNAVAILABLE', 'The URL of NATS is not valid (nats://host:port)');
  const where = { hostPort: `${parsed.hostname}:${parsed.port || 4222}`, tls: parsed.protocol === 'tls:' };
  if (user !== undefined) return { ...where, user, pass: token, token: undefined };
  if (token !== undefined) return { ...where, user: undefined, pass: undefined, token };
  const [name, password] = [parsed.username, parsed.password].map((part) => unescapePercent(part) || undefined);
  if (password === undefined) return { ...where, user: undefined, pass: undefined, token: name };
  return { ...where, user: name, pass: password, token: undefined };
}

/** A password with a bare `%` is taken as it stands. */
function unescapePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
