import type { AgentRow, Database, TeamRow } from '@agentcrew/models';
import type { TeamBus } from '@agentcrew/nats';
import { atLeast, type BudgetState, messageOf, nothingSpent, type Spent, spentBy, sumOf } from '@agentcrew/protocol';
import type { Logger } from 'pino';

const answerMs = 2_000;

export interface BudgetsDeps {
  db: Database;
  /** The open bus of a team. */
  busOf: (teamId: string) => TeamBus | undefined;
  log: Logger;
}

/** What agents may spend and have spent. Each agent keeps within its budget by itself, by what it is told here. */
export interface Budgets {
  /** What an agent has to know when it starts; `undefined` when neither it nor its team has a budget. */
  stateFor(team: TeamRow, agent: AgentRow, agents: AgentRow[]): BudgetState | undefined;
  /** An agent says what it has spent, its running turn included; the rest of its team is told. */
  spending(teamId: string, agent: string, spent: Spent): void;
  /** A budget was changed, or a turn was counted: the team's agents are told, in the background. */
  changed(teamId: string, options?: { always?: boolean }): void;
}

export function createBudgets({ db, busOf, log }: BudgetsDeps): Budgets {
  /** What agents said themselves, by agent: more than the database knows, until their turn has ended. */
  const running = new Map<string, Spent>();

  function spentOf(agent: AgentRow): Spent {
    return atLeast(countedOf(agent), running.get(agent.id) ?? nothingSpent);
  }

  function state(team: TeamRow, agent: AgentRow, agents: AgentRow[]): BudgetState {
    const others = agents.filter(({ id }) => id !== agent.id).map(spentOf);
    return {
      agent: agent.budget ?? undefined,
      team: team.budget ?? undefined,
      spent: countedOf(agent),
      others: others.reduce(sumOf, nothingSpent),
    };
  }

  function tell(teamId: string, isToBeTold: (agent: AgentRow) => boolean): void {
    const bus = busOf(teamId);
    const team = db.teams.get(teamId);
    if (!bus?.connected || !team) return;
    const agents = db.agents.listByTeam(teamId);
    for (const agent of agents.filter((one) => one.container_status === 'running' && isToBeTold(one))) {
      bus
        .request(agent.slug, { type: 'budget', budget: state(team, agent, agents) }, answerMs)
        .catch((error: unknown) => {
          log.debug({ team_id: teamId, agent: agent.slug, error: messageOf(error) }, 'agent not told of its budget');
        });
    }
  }

  return {
    stateFor: (team, agent, agents) => (hasBudget(team, [agent]) ? state(team, agent, agents) : undefined),

    spending(teamId, slug, spent) {
      const agent = db.agents.listByTeam(teamId).find((known) => known.slug === slug);
      if (!agent) return;
      running.set(agent.id, spent);
      tell(teamId, ({ id }) => id !== agent.id);
    },

    changed(teamId, { always = false } = {}) {
      const team = db.teams.get(teamId);
      if (!team) return;
      if (always || hasBudget(team, db.agents.listByTeam(teamId))) tell(teamId, () => true);
    },
  };
}

/** By the turns that have ended. */
function countedOf(agent: AgentRow): Spent {
  return { ...spentBy(agent, agent.cost_usd), turns: agent.turns };
}

function hasBudget(team: TeamRow, agents: AgentRow[]): boolean {
  return [team, ...agents].some(({ budget }) => budget !== null && Object.keys(budget).length > 0);
}
