import { createHash } from 'node:crypto';
import { slugSchema } from '@agentcrew/protocol';

/** Longest name that DNS takes for a host. */
const maxHostLength = 63;

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/** What a team's resources are called in Docker. */
export function teamNames(team: string) {
  const nats = `team-${team}-nats`;
  return {
    network: `team-${team}`,
    workspace: `team-${team}-workspace`,
    natsContainer: nats,
    natsVolume: nats,
    /** Name of the team's NATS in the team's network. */
    natsHost: nats.length <= maxHostLength ? nats : `team-nats-${shortHash(team)}`,
  };
}

/**
 * What an agent's container is called. Agent `b-c` of team `a` and agent `c` of team `a-b` share the plain name:
 * whoever comes second takes the `other` one. An agent never takes the name that a team's NATS may have.
 */
export function containerNames(team: string, agent: string): { plain: string; other: string } {
  const plain = `team-${team}-${agent}`;
  const other = `${plain}-${shortHash(`${team}/${agent}`)}`;
  return { plain: agent.endsWith('-nats') ? other : plain, other };
}

/** Name of an agent's state volume, from that of its container. */
export function stateVolume(container: string): string {
  return `${container}-state`;
}

/** An agent's id in this runtime: `docker:<team>/<agent>`. */
export function agentId(team: string, agent: string): string {
  return `docker:${team}/${agent}`;
}

/** Team and agent of an id; `undefined` for anything that is not an id of this runtime. */
export function parseAgentId(id: string): { team: string; agent: string } | undefined {
  const [team, agent, ...rest] = id.startsWith('docker:') ? id.slice('docker:'.length).split('/') : [];
  if (!slugSchema.safeParse(team).success || !slugSchema.safeParse(agent).success || rest.length > 0) return undefined;
  return team && agent ? { team, agent } : undefined;
}
