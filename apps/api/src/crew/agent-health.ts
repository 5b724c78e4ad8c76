import type { AgentRow, Database, TeamRow } from '@agentcrew/models';
import type { AgentInstance } from '@agentcrew/runtime';
import type { Logger } from 'pino';
import type { Replacements } from './replacements.ts';
import type { Restarts } from './restarts.ts';
import type { Silences } from './silences.ts';

export interface AgentHealthDeps {
  db: Database;
  restarts: Restarts;
  silences: Silences;
  replacements: Replacements;
  log: Logger;
}

/** What the runtime told of its agents, and when it was asked, in `performance.now()` milliseconds. */
export interface Seen {
  at: number;
  instances: AgentInstance[];
}

/** How agents are, as noted at their rows. */
export interface AgentHealth {
  /** Notes how an agent is. `false` also for one of which nothing is known just now. */
  isDead(team: TeamRow, agent: AgentRow, seen: Seen): boolean;
  noteDeath(team: TeamRow, agent: AgentRow, reason: string): void;
  /** What is wrong with these agents, for a person; empty when nothing is. */
  troubles(agents: AgentRow[]): string;
}

export function createAgentHealth({ db, restarts, silences, replacements, log }: AgentHealthDeps): AgentHealth {
  function noteDeath(team: TeamRow, { id, slug, container_id }: AgentRow, reason: string): void {
    if (db.agents.setContainer(id, { container_id, container_status: 'error' })) {
      log.warn({ team_id: team.id, agent: slug, reason }, 'agent died');
    }
    restarts.died(id, reason);
  }

  function troubleOf({ id, name, container_status }: AgentRow): string | undefined {
    if (container_status === 'error') {
      return `Agent ${name} died and is being restarted (attempt ${restarts.failures(id)}): ${restarts.reason(id)}`;
    }
    return silences.isSilent(id) && !replacements.underWay(id) ? `Agent ${name} does not answer` : undefined;
  }

  return {
    isDead(team, agent, { at, instances }) {
      if (replacements.outdates(agent.id, at)) return false;
      const instance = instances.find((known) => known.team === team.slug && known.agent === agent.slug);
      if (instance?.state === 'running') {
        db.agents.setContainer(agent.id, { container_id: instance.id, container_status: 'running' });
        restarts.started(agent.id);
        return false;
      }
      noteDeath(team, agent, instance?.message ?? 'its process is gone');
      return true;
    },
    noteDeath,
    troubles: (agents) =>
      agents
        .map(troubleOf)
        .filter((trouble) => trouble !== undefined)
        .join('; '),
  };
}
