import type { SecretBox } from './secret-box.ts';
import type { McpServer } from './values.ts';

type Texts = Record<string, string>;

/** The servers with the values of `env` and `headers` sealed, each by itself. */
export function sealedServers<T extends McpServer[] | null | undefined>(box: SecretBox, servers: T): T {
  return withValues(servers, box.seal);
}

/** The same for servers that are sealed already, or in part: what is, stays as it is. */
export function sealedRest<T extends McpServer[] | null>(box: SecretBox, servers: T): T {
  // Only plain text opens as itself.
  return withValues(servers, (value) => (box.open(value) === value ? box.seal(value) : value));
}

/** The same opened; a value that was sealed with another key is empty, one from before sealing comes as it is. */
export function openedServers<T extends McpServer[] | null | undefined>(box: SecretBox, servers: T): T {
  return withValues(servers, (value) => box.open(value) ?? '');
}

function withValues<T extends McpServer[] | null | undefined>(servers: T, change: (value: string) => string): T {
  const changed = (texts: Texts) =>
    Object.fromEntries(Object.entries(texts).map(([key, value]) => [key, change(value)]));
  if (!servers) return servers;
  return servers.map((server) => ({
    ...server,
    ...(server.env && { env: changed(server.env) }),
    ...(server.headers && { headers: changed(server.headers) }),
  })) as T;
}
