import { createHash } from 'node:crypto';

const namespacePrefix = 'agentcrew-';
const agentPrefix = 'agent-';
/** Of a namespace, a DNS label. */
const longestNamespace = 63;
/** Of a StatefulSet: Kubernetes appends a hash of 11 characters, and makes a label of it. */
const longestStatefulSet = 52;
const hashed = /-[0-9a-f]{8}$/;

/**
 * A name that Kubernetes allows (lower case, no `_`, so long) for a slug, another one for every slug: what has to be
 * changed gets a hash of the original at its end, and so does what already looks as if it had one.
 */
function dnsLabel(slug: string, longest: number): string {
  const plain = slug.toLowerCase().replaceAll('_', '-');
  const unchanged = plain === slug && slug.length <= longest && !slug.endsWith('-') && !hashed.test(slug);
  if (unchanged) return slug;
  const hash = createHash('sha256').update(slug).digest('hex').slice(0, 8);
  return `${plain.slice(0, longest - hash.length - 1).replace(/-+$/, '')}-${hash}`;
}

/** What Kubernetes calls a team: part of its namespace's name, and value of a label. */
export function teamName(team: string): string {
  return dnsLabel(team, longestNamespace - namespacePrefix.length);
}

export function namespaceOf(team: string): string {
  return `${namespacePrefix}${teamName(team)}`;
}

/** What Kubernetes calls an agent in its team's namespace. */
export function agentName(agent: string): string {
  return dnsLabel(agent, longestStatefulSet - agentPrefix.length);
}

/** Name of what belongs to an agent: its StatefulSet, and the Secret with its description. */
export function agentObject(agent: string): string {
  return `${agentPrefix}${agentName(agent)}`;
}

/** The one pod of a StatefulSet. */
export function podOf(statefulSet: string): string {
  return `${statefulSet}-0`;
}

/** An agent's id in this runtime: `<namespace>/<pod>`. */
export function agentId(team: string, agent: string): string {
  return idOf(namespaceOf(team), agentObject(agent));
}

export function idOf(namespace: string, statefulSet: string): string {
  return `${namespace}/${podOf(statefulSet)}`;
}

/** Where an agent is, from its id; `undefined` for anything that is not an id of this runtime. */
export function parseAgentId(id: string): { namespace: string; name: string } | undefined {
  const [, namespace, name] = /^(agentcrew-[a-z0-9-]{1,53})\/(agent-[a-z0-9-]{1,46})-0$/.exec(id) ?? [];
  return namespace && name ? { namespace, name } : undefined;
}
