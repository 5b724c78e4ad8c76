import type { V1PodSpec } from '@kubernetes/client-node';
import { agentsAmong, type Labels } from './labels.ts';
import type { KubernetesSettings } from './settings.ts';

const node = 'kubernetes.io/hostname';

/** Where pods may run, and from where their images come: the operator's to say. */
export function placement(settings: KubernetesSettings): Partial<V1PodSpec> {
  const { runtimeClassName, nodeSelector, tolerations, imagePullSecrets } = settings;
  return {
    ...(runtimeClassName && { runtimeClassName }),
    ...(nodeSelector && { nodeSelector }),
    ...(tolerations && { tolerations }),
    ...(imagePullSecrets && { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
  };
}

/**
 * A volume that one node alone can have keeps the agents of a team together there; one that all nodes can have lets them
 * spread. The first agent of a team finds none to join, which Kubernetes lets pass.
 */
export function togetherness({ workspace }: KubernetesSettings, team: Labels): Partial<V1PodSpec> {
  const agents = agentsAmong(team);
  if (workspace.accessMode === 'ReadWriteMany') {
    const spread = { maxSkew: 1, topologyKey: node, whenUnsatisfiable: 'ScheduleAnyway', labelSelector: agents };
    return { topologySpreadConstraints: [spread] };
  }
  const join = [{ labelSelector: agents, topologyKey: node }];
  return { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: join } } };
}

/** For a pod that is no agent and needs their volume: to where they are, if they are anywhere. */
export function besideAgents(team: Labels): Partial<V1PodSpec> {
  const podAffinityTerm = { labelSelector: agentsAmong(team), topologyKey: node };
  const join = [{ weight: 100, podAffinityTerm }];
  return { affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: join } } };
}
