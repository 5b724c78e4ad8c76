import type { AgentMcpServer } from '@agentcrew/protocol';

/** Paths, addresses without a user or a query, and plain words: texts that would be missed in what an agent says. */
const plain = /^(?:[./~][^\s]*|https?:\/\/[^\s@?]+|[a-z]{1,12}|[\d.]{1,8})$/i;

/**
 * What of the servers must not get into a log or an envelope. Of a header with a scheme (`Bearer …`) also what follows it,
 * which may turn up by itself.
 */
export function mcpSecrets(servers: AgentMcpServer[]): string[] {
  return servers
    .flatMap(({ env = {}, headers = {} }) => [...Object.values(env), ...Object.values(headers)])
    .flatMap((value) => [value, ...value.split(' ').slice(1)])
    .filter((value) => !plain.test(value));
}
