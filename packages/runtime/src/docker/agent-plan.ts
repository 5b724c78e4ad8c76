import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { CrewError } from '@agentcrew/protocol';
import type { AgentConfig } from '../runtime.ts';
import { type AgentPlan, healthPort, inside } from './agent-container.ts';

export interface PlanOptions {
  instance: string;
  /** Image of agents whose team names none. */
  agentImage: string;
  /** The bus as the team's agents see it. */
  busOf: (team: string) => { nats_url: string; nats_user?: string };
}

/** Everything that decides about an agent's container. @throws CrewError INVALID_TEAM for an unusable workspace path */
export async function agentPlan({ instance, agentImage, busOf }: PlanOptions, config: AgentConfig): Promise<AgentPlan> {
  const { workspacePath, image = agentImage, resources, secrets, ...rest } = config;
  const bus = busOf(config.team);
  const { nats_token: _, ...others } = secrets;
  const spec = {
    ...rest,
    ...bus,
    // The token is the password of the team's own user; an operator's server has users of its own.
    secrets: bus.nats_user === undefined ? others : secrets,
    instance,
    runtime: 'docker' as const,
    workspace: inside.workspace,
    state_dir: inside.state,
    health_addr: `0.0.0.0:${healthPort}`,
  };
  return { spec, image, resources, hostWorkspace: workspacePath ? await hostWorkspace(workspacePath) : undefined };
}

/** A folder of the host keeps its owner: the agent works as that user. Root is no user for an agent. */
async function hostWorkspace(path: string): Promise<AgentPlan['hostWorkspace']> {
  const found = await stat(path).catch(() => undefined);
  if (!isAbsolute(path) || !found?.isDirectory()) {
    throw new CrewError('INVALID_TEAM', `workspace_path is not an existing folder: ${path}`);
  }
  if (found.uid === 0) {
    throw new CrewError('INVALID_TEAM', `workspace_path belongs to root, and agents do not run as root: ${path}`);
  }
  return { path, owner: { uid: found.uid, gid: found.gid } };
}
