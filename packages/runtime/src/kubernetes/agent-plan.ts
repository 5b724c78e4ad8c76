import { CrewError } from '@agentcrew/protocol';
import type { AgentConfig } from '../runtime.ts';
import { natsPort } from '../shared/nats-config.ts';
import { type AgentPlan, healthPort, inside } from './agent-objects.ts';
import { natsHost } from './nats-objects.ts';
import type { KubernetesSettings } from './settings.ts';

/** What etcd takes of one Secret, less what it has to say besides. */
const longestSpec = 1_000_000;

export interface PlanOptions {
  instance: string;
  settings: KubernetesSettings;
}

/** Everything that decides about an agent's objects. @throws CrewError INVALID_TEAM when there is too much of it */
export function agentPlan({ instance, settings }: PlanOptions, config: AgentConfig): AgentPlan {
  const { workspacePath: _, image = settings.agentImage, resources, ...rest } = config;
  const spec = {
    ...rest,
    instance,
    runtime: 'kubernetes' as const,
    nats_url: `nats://${natsHost(config.team, settings.clusterDomain)}:${natsPort}`,
    nats_user: config.team,
    workspace: inside.workspace,
    state_dir: inside.state,
    health_addr: `0.0.0.0:${healthPort}`,
  };
  const size = Buffer.byteLength(JSON.stringify(spec));
  if (size > longestSpec) {
    const text = `The instructions and permissions of agent ${config.agent} have ${size} bytes; Kubernetes takes ${longestSpec}.`;
    throw new CrewError('INVALID_TEAM', text);
  }
  return { spec, image, resources, settings };
}
