import type { AgentRow, TeamRow } from '@agentcrew/models';
import { messageOf } from '@agentcrew/protocol';
import type { Logger } from 'pino';
import type { Deployer } from './deployer.ts';
import { type DeploymentDeps, startAgent } from './deployment.ts';
import type { Restarts } from './restarts.ts';

export interface ReplacementDeps extends DeploymentDeps {
  deployer: Deployer;
  restarts: Restarts;
  /** Aborts when the server closes. */
  stop: AbortSignal;
  log: Logger;
}

/** Starts new processes of agents in the background, one of an agent at a time. */
export interface Replacements {
  /** Does nothing for an agent that is being started already. `isAlive`: its present process is ended first. */
  begin(team: TeamRow, agent: AgentRow, options?: { isAlive: boolean }): void;
  underWay(agentId: string): boolean;
  /** Whether what was seen of an agent at that time, in `performance.now()` milliseconds, is of the process before. */
  outdates(agentId: string, at: number): boolean;
  /** Waits for the end of those under way. */
  close(): Promise<void>;
}

/** So long one may take; a sick agent must not hold up the others for ever. */
const deadlineMs = 90_000;

export function createReplacements(deps: ReplacementDeps): Replacements {
  const running = new Map<string, Promise<void>>();
  const endedAt = new Map<string, number>();

  async function replace(
    team: TeamRow,
    agent: AgentRow,
    { isAlive, cancel }: { isAlive: boolean; cancel: AbortSignal },
  ): Promise<void> {
    const agents = deps.db.agents.listByTeam(team.id);
    const signal = AbortSignal.any([deps.stop, cancel, AbortSignal.timeout(deadlineMs)]);
    try {
      if (isAlive) await deps.runtime.stopAgent(agent.container_id);
      signal.throwIfAborted();
      await startAgent(deps, team, agent, agents, signal);
      deps.restarts.started(agent.id);
      deps.log.info({ team_id: team.id, agent: agent.slug }, 'agent restarted');
    } catch (error) {
      if (deps.stop.aborted || cancel.aborted) return;
      deps.restarts.started(agent.id);
      deps.restarts.died(agent.id, messageOf(error));
      deps.log.warn({ team_id: team.id, agent: agent.slug, error: messageOf(error) }, 'agent not restarted');
    }
  }

  return {
    begin(team, agent, { isAlive } = { isAlive: false }) {
      if (running.has(agent.id)) return;
      const run = deps.deployer
        .repair(team.id, (cancel) => replace(team, agent, { isAlive, cancel }))
        .finally(() => {
          running.delete(agent.id);
          endedAt.set(agent.id, performance.now());
        });
      running.set(agent.id, run);
    },
    underWay: (agentId) => running.has(agentId),
    outdates: (agentId, at) => running.has(agentId) || (endedAt.get(agentId) ?? 0) > at,
    async close() {
      await Promise.allSettled(running.values());
    },
  };
}
