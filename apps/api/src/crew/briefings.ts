import type { AgentRow, Database, TeamRow } from '@agentcrew/models';
import type { TeamBus } from '@agentcrew/nats';
import { type ControlRequest, CrewError, messageOf } from '@agentcrew/protocol';
import type { Logger } from 'pino';
import { instructionsFor } from './instructions.ts';
import { serversOf } from './mcp-servers.ts';
import { skillsOf } from './skills.ts';

export interface BriefingsDeps {
  db: Database;
  /** The open bus of a team. */
  busOf: (teamId: string) => TeamBus | undefined;
  log: Logger;
}

/**
 * Keeps running agents up to date with what the database says of them and a CLI can take over between two turns. An agent
 * that is told what it knows already does nothing.
 */
export interface Briefings {
  /**
   * Tells the team's running agents, or one that says it starts, how things are now. Resolves when each has heard it, or
   * could not be reached: then it is told later. Never rejects.
   */
  tell(teamId: string, slug?: string): Promise<void>;
  /** Tries again, in the background, where an agent of the team could not be reached. */
  kick(teamId: string): void;
  /** Resolves when nobody is being told anything. */
  idle(): Promise<void>;
}

const answerMs = 2_000;

export function createBriefings({ db, busOf, log }: BriefingsDeps): Briefings {
  /** Agents that have not heard the latest, by id. */
  const untold = new Set<string>();
  const telling = new Map<string, Promise<void>>();

  function begin(teamId: string, agentId: string): Promise<void> {
    untold.add(agentId);
    const present = telling.get(agentId);
    // It sees the mark, and tells once more.
    if (present) return present;
    const run = untilTold(teamId, agentId).finally(() => telling.delete(agentId));
    telling.set(agentId, run);
    return run;
  }

  async function untilTold(teamId: string, agentId: string): Promise<void> {
    while (untold.delete(agentId)) {
      try {
        await tellNow(teamId, agentId);
      } catch (error) {
        untold.add(agentId);
        log.info({ team_id: teamId, agent_id: agentId, error: messageOf(error) }, 'agent not told of a change yet');
        return;
      }
    }
  }

  async function tellNow(teamId: string, agentId: string): Promise<void> {
    const team = db.teams.get(teamId);
    const agents = db.agents.listByTeam(teamId);
    const agent = agents.find(({ id }) => id === agentId);
    // Of a team that is down, each learns it when it starts.
    if (!agent || (team?.status !== 'running' && team?.status !== 'deploying')) return;
    const bus = busOf(teamId);
    if (!bus?.connected) throw new CrewError('NATS_UNAVAILABLE', 'the bus is away');
    for (const request of requestsFor(agent, team, deployed(team, agents))) {
      const answer = await bus.request(agent.slug, request, answerMs);
      if (!answer.ok) throw new CrewError('AGENT_FAILED', answer.error ?? 'the agent refused');
    }
  }

  return {
    async tell(teamId, slug) {
      const agents = db.agents.listByTeam(teamId);
      const meant = agents.filter((agent) => (slug ? agent.slug === slug : agent.container_status === 'running'));
      await Promise.all(meant.map(({ id }) => begin(teamId, id)));
    },
    kick(teamId) {
      for (const { id } of db.agents.listByTeam(teamId)) if (untold.has(id)) void begin(teamId, id);
    },
    async idle() {
      await Promise.all(telling.values());
    },
  };
}

function requestsFor(agent: AgentRow, team: TeamRow, agents: AgentRow[]): ControlRequest[] {
  return [
    { type: 'instructions', instructions: instructionsFor(agent, team, agents) },
    { type: 'mcp_servers', servers: serversOf(agent, team) },
    { type: 'skills', skills: skillsOf(agent) },
  ];
}

/** An agent that was added to a running team is none of its members before the next deploy. */
function deployed(team: TeamRow, agents: AgentRow[]): AgentRow[] {
  return team.status === 'running' ? agents.filter(({ container_id }) => container_id !== '') : agents;
}
