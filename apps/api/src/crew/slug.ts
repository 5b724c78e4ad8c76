import { createHash } from 'node:crypto';

/** Names with a meaning on the bus or among a team's containers. */
const reserved = new Set(['user', 'system', 'nats']);
const maxLength = 64;

/**
 * The slug of a new team or agent: its name, or the name with a short hash of its id when another one has it (whatever
 * the case: folders of some systems do not tell `A` from `a`) or it is reserved.
 */
export function newSlug(name: string, id: string, taken: (slug: string) => boolean): string {
  if (!reserved.has(name.toLowerCase()) && !taken(name)) return name;
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 8);
  return `${name.slice(0, maxLength - hash.length - 1)}-${hash}`;
}
