import type { V1Pod, V1StatefulSet } from '@kubernetes/client-node';
import type { AgentStatus } from '../runtime.ts';
import type { Cluster } from './cluster.ts';
import { ifPresent } from './cluster-errors.ts';
import { allAgentsOf, annotation, label } from './labels.ts';
import { idOf, parseAgentId, podOf } from './names.ts';
import { conditionOf, containerOf, endOf, isReady, stepOf } from './pod-steps.ts';
import { lastRemark } from './remarks.ts';

export interface StatusSources {
  cluster: Cluster;
  instance: string;
  /** Whether an operation on the agent is under way: what it passes through is not the agent's state. */
  isBusy: (id: string) => boolean;
}

/** State of one agent; `stopped` when there is none. */
export async function statusOf(sources: StatusSources, id: string): Promise<AgentStatus> {
  const { cluster, instance } = sources;
  const known = parseAgentId(id);
  const statefulSet = known && (await ifPresent(cluster.apps.readNamespacedStatefulSet(known)));
  if (statefulSet?.metadata?.labels?.[label.instance] !== instance) {
    return { id, team: '', agent: '', state: 'stopped' };
  }
  const { namespace, name } = known ?? { namespace: '', name: '' };
  const pod = await ifPresent(cluster.core.readNamespacedPod({ namespace, name: podOf(name) }));
  return await judge(sources, statefulSet, pod);
}

/** Every agent that has a StatefulSet. */
export async function allAgents(sources: StatusSources): Promise<AgentStatus[]> {
  const labelSelector = allAgentsOf(sources.instance);
  const [statefulSets, pods] = await Promise.all([
    sources.cluster.apps.listStatefulSetForAllNamespaces({ labelSelector }),
    sources.cluster.core.listPodForAllNamespaces({ labelSelector }),
  ]);
  const byId = new Map(pods.items.map((pod) => [`${pod.metadata?.namespace}/${pod.metadata?.name}`, pod]));
  return await Promise.all(statefulSets.items.map(async (one) => judge(sources, one, byId.get(idOfStatefulSet(one)))));
}

function idOfStatefulSet({ metadata }: V1StatefulSet): string {
  return idOf(metadata?.namespace ?? '', metadata?.name ?? '');
}

async function judge(sources: StatusSources, statefulSet: V1StatefulSet, pod: V1Pod | undefined): Promise<AgentStatus> {
  const { metadata } = statefulSet;
  const id = idOfStatefulSet(statefulSet);
  const { [annotation.team]: team = '', [annotation.agent]: agent = '' } = metadata?.annotations ?? {};
  const known = { id, team, agent };
  if (sources.isBusy(id)) return { ...known, state: pod && containerOf(pod)?.state?.running ? 'running' : 'stopped' };
  const message = pod ? troubleOf(pod) : await whyNoPod(sources.cluster, statefulSet);
  // Looked at again last: a stop may have begun, or ended, while this was asking.
  if (message !== undefined && sources.isBusy(id)) return { ...known, state: 'stopped' };
  return message === undefined ? { ...known, state: 'running' } : { ...known, state: 'error', message };
}

/** What is wrong with an agent's pod; `undefined` when the agent works. */
function troubleOf(pod: V1Pod): string | undefined {
  if (pod.metadata?.deletionTimestamp) return "the agent's pod is being deleted";
  const step = stepOf(pod);
  if (step.kind === 'ready') return undefined;
  if (step.kind !== 'running') return `the agent's pod does not run (${step.reason})`;
  if (wasReady(pod)) return undefined;
  const before = containerOf(pod)?.lastState?.terminated;
  return `the agent was started again by Kubernetes${before ? ` (${endOf(before)})` : ''}`;
}

/** Whether the container has been ready since its start: it waits for its bus then, which is not its own fault. */
function wasReady(pod: V1Pod): boolean {
  if (isReady(pod)) return true;
  const { lastTransitionTime } = conditionOf(pod, 'Ready') ?? {};
  const { startedAt } = containerOf(pod)?.state?.running ?? {};
  return lastTransitionTime !== undefined && startedAt !== undefined && lastTransitionTime > startedAt;
}

async function whyNoPod(cluster: Cluster, { metadata }: V1StatefulSet): Promise<string> {
  const remark = await lastRemark(cluster, metadata?.namespace ?? '', metadata?.name ?? '');
  return `the agent's pod is gone${remark?.isWarning ? ` (${remark.message})` : ''}`;
}
