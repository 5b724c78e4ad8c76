import { setTimeout as delay } from 'node:timers/promises';
import type { AgentRow, Database, TeamRow } from '@agentcrew/models';
import { type AgentLimits, CrewError } from '@agentcrew/protocol';
import type { AgentRuntime, InfraConfig } from '@agentcrew/runtime';
import { agentConfig } from './agent-config.ts';
import type { Budgets } from './budgets.ts';
import { type AmbientCredentials, agentSettings } from './credentials.ts';
import type { Silences } from './silences.ts';
import type { TeamBuses } from './team-buses.ts';
import { checkWorkspacePath } from './workspace-path.ts';

export interface DeploymentDeps {
  db: Database;
  runtime: AgentRuntime;
  buses: TeamBuses;
  credentials: AmbientCredentials;
  budgets: Budgets;
  silences: Silences;
  limits: AgentLimits;
  /** Where a team's `workspace_path` may lie. */
  workspaceRoots: string[];
  /** Whether agents are Claude, and need a credential for it; the mock runtime's are nothing and need none. */
  needsCredential: boolean;
}

/** How often the bus is looked after during a deploy, in milliseconds. */
const upkeepMs = 1_000;

/**
 * Brings up a team: bus, stream, then all agents at once. Resolves when every sidecar is ready; the first failure
 * ends it. Progress goes to the team's `status_message`.
 * @throws CrewError with a message for the person who deployed.
 */
export async function bringUp(deps: DeploymentDeps, team: TeamRow, signal: AbortSignal): Promise<void> {
  const agents = deps.db.agents.listByTeam(team.id);
  requireOneLeader(agents);
  if (deps.needsCredential) requireClaude(team);
  settingsOf(deps, team);
  progress(deps.db, team.id, 'starting the message bus');
  const infra = infraOf(deps, team);
  await deps.runtime.deployInfra(infra, signal, (text) => progress(deps.db, team.id, text));
  await deps.buses.openEmpty(team, signal);
  progress(deps.db, team.id, `starting ${agents.length} agents`);

  // The first failure stops the others, so that a broken team does not wait for its slowest agent.
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  let ready = 0;
  const starts = agents.map(async (agent) => {
    try {
      await startAgent(deps, team, agent, agents, either);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
    ready += 1;
    progress(deps.db, team.id, `${ready} of ${agents.length} agents ready`);
  });
  const started = new AbortController();
  const upkeep = keepUp(deps, infra, AbortSignal.any([either, started.signal]));
  await Promise.allSettled(starts);
  started.abort();
  await upkeep;
  signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
}

/** Repairs the bus, should it die while the agents start: they would wait for it in vain. Ends with the signal. */
async function keepUp(deps: DeploymentDeps, infra: InfraConfig, signal: AbortSignal): Promise<void> {
  const ignore = () => undefined;
  for (;;) {
    await delay(upkeepMs, undefined, { signal }).catch(ignore);
    if (signal.aborted) return;
    // What cannot be repaired shows in the agents that do not get ready.
    await deps.runtime.deployInfra(infra, signal).catch(ignore);
  }
}

/** Starts one agent (or adopts it when it runs as configured) and notes where it runs. */
export async function startAgent(
  deps: DeploymentDeps,
  team: TeamRow,
  agent: AgentRow,
  agents: AgentRow[],
  signal: AbortSignal,
): Promise<void> {
  const config = {
    ...agentConfig(agent, team, agents, settingsOf(deps, team), deps.limits, deps.runtime.name),
    budget: deps.budgets.stateFor(team, agent, agents),
  };
  try {
    const instance = await deps.runtime.deployAgent(config, signal, (text) => progress(deps.db, team.id, text));
    deps.silences.forget(agent.id);
    deps.db.agents.setContainer(agent.id, { container_id: instance.id, container_status: 'running' });
  } catch (error) {
    // An abort is not the agent's fault.
    const container_status = signal.aborted ? 'stopped' : 'error';
    deps.db.agents.setContainer(agent.id, { container_id: agent.container_id, container_status });
    throw error;
  }
}

/**
 * What the team needs of the runtime. Its folder is checked again: since it was stored, it may have become a link, and
 * the server's runtime another one.
 */
export function infraOf(deps: Pick<DeploymentDeps, 'workspaceRoots' | 'runtime'>, team: TeamRow): InfraConfig {
  if (team.workspace_path) checkWorkspacePath(team.workspace_path, deps.workspaceRoots, deps.runtime.name);
  return { team: team.slug, natsToken: team.nats_token, workspacePath: team.workspace_path || undefined };
}

function settingsOf(deps: DeploymentDeps, team: TeamRow) {
  try {
    return agentSettings(deps.db, team.org_id, deps.credentials);
  } catch (error) {
    if (deps.needsCredential) throw error;
    return { env: {} };
  }
}

function requireClaude({ provider }: TeamRow): void {
  if (provider === 'claude') return;
  throw new CrewError(
    'INVALID_TEAM',
    `This server runs Claude Code only, and the team's provider is ${provider}. Set it to claude, and the models of its agents to match, then deploy again.`,
  );
}

function requireOneLeader(agents: AgentRow[]): void {
  const leaders = agents.filter((agent) => agent.role === 'leader');
  if (leaders.length === 1) return;
  const found = leaders.length === 0 ? 'none' : leaders.map((leader) => leader.name).join(', ');
  throw new CrewError(
    'INVALID_TEAM',
    `A team needs exactly one agent with the role "leader", and this one has ${found}. Change the roles and deploy again.`,
  );
}

function progress(db: Database, teamId: string, message: string): void {
  db.teams.setStatus(teamId, 'deploying', message, { from: ['deploying'] });
}
