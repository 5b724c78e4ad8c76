import type { Database, TeamRow } from '@agentcrew/models';
import { messageOf } from '@agentcrew/protocol';
import type { AgentInstance, AgentRuntime } from '@agentcrew/runtime';
import type { Logger } from 'pino';
import type { Deployer } from './deployer.ts';

export interface SweepDeps {
  db: Database;
  runtime: AgentRuntime;
  deployer: Deployer;
  log: Logger;
}

/**
 * Ends agents that nobody asked for: of teams that are not up, of teams that are gone, and ones that were deleted.
 * `instances` must be older than `teams`, so that an agent that starts meanwhile is not taken for an orphan. Only
 * what carries this server's own label is ever listed, hence ended.
 */
export async function sweepOrphans(deps: SweepDeps, teams: TeamRow[], instances: AgentInstance[]): Promise<void> {
  for (const instance of instances) {
    const team = teams.find(({ slug }) => slug === instance.team);
    if (team && (deps.deployer.busy(team.id) || isWanted(deps.db, team, instance))) continue;
    deps.log.warn({ team: instance.team, agent: instance.agent, id: instance.id }, 'ending an orphaned agent');
    await (team ? deps.runtime.stopAgent(instance.id) : deps.runtime.teardownInfra(instance.team)).catch(
      (error: unknown) => {
        deps.log.error({ id: instance.id, error: messageOf(error) }, 'orphan not ended');
      },
    );
  }
}

function isWanted(db: Database, team: TeamRow, instance: AgentInstance): boolean {
  if (team.status === 'deploying') return true;
  if (team.status !== 'running') return false;
  return db.agents.listByTeam(team.id).some(({ slug }) => slug === instance.agent);
}
