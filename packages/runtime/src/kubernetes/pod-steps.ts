import type { V1ContainerState, V1ContainerStateTerminated, V1Pod } from '@kubernetes/client-node';
import { agentContainerName } from './agent-objects.ts';
import { natsName } from './nats-objects.ts';
import { isTransient } from './remarks.ts';

/** How far a pod of ours is, with words for a person. */
export type PodStep =
  | { kind: 'ready' }
  /** Its container runs and is not ready yet. */
  | { kind: 'running'; reason: string }
  /** It has no node yet, or its container is being made. */
  | { kind: 'waiting'; reason: string }
  /** It gets no further by itself; Kubernetes may try again and again. */
  | { kind: 'failed'; reason: string };

/** Reasons of a container that waits for something nobody brings. */
const hopeless = new Set([
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'CrashLoopBackOff',
]);

export function stepOf(pod: V1Pod): PodStep {
  if (pod.metadata?.deletionTimestamp) return { kind: 'waiting', reason: 'the old pod is ending' };
  if (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') {
    return { kind: 'failed', reason: endOfPod(pod) };
  }
  const container = containerOf(pod);
  if (!container?.state) return { kind: 'waiting', reason: unscheduled(pod) ?? 'the pod gets a node' };
  if (isReady(pod)) return { kind: 'ready' };
  return stepOfContainer(container.state, container.lastState?.terminated);
}

function stepOfContainer(state: V1ContainerState, before: V1ContainerStateTerminated | undefined): PodStep {
  const { running, terminated, waiting } = state;
  if (running) return { kind: 'running', reason: 'it is not ready yet' };
  if (terminated) return { kind: 'failed', reason: endOf(terminated) };
  const { reason = 'ContainerCreating', message } = waiting ?? {};
  if (reason === 'CrashLoopBackOff') return { kind: 'failed', reason: `it ends again and again (${reasonOf(before)})` };
  const text = message ? `${reason}: ${message}` : reason;
  return { kind: hopeless.has(reason) && !isTransient(text) ? 'failed' : 'waiting', reason: text };
}

/** The container with the sidecar, or with NATS. A service mesh may have put its own beside it. */
export function containerOf(pod: V1Pod) {
  return pod.status?.containerStatuses?.find(({ name }) => name === agentContainerName || name === natsName);
}

export function isReady(pod: V1Pod): boolean {
  return conditionOf(pod, 'Ready')?.status === 'True';
}

export function conditionOf(pod: V1Pod, type: string) {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

/** Why a pod has no node, when the scheduler has said so. */
function unscheduled(pod: V1Pod): string | undefined {
  const scheduled = conditionOf(pod, 'PodScheduled');
  return scheduled?.status === 'False'
    ? `${scheduled.reason ?? 'Unschedulable'}: ${scheduled.message ?? ''}`
    : undefined;
}

function endOfPod({ status, ...pod }: V1Pod): string {
  if (status?.message || status?.reason) return [status.reason, status.message].filter(Boolean).join(': ');
  return reasonOf(containerOf({ status, ...pod })?.state?.terminated);
}

function reasonOf(terminated: V1ContainerStateTerminated | undefined): string {
  return terminated ? endOf(terminated) : 'it ended';
}

/** How a container ended, in words for a person. */
export function endOf({ exitCode, reason, message }: V1ContainerStateTerminated): string {
  if (reason === 'OOMKilled') return 'OOMKilled: out of memory';
  if (message) return `${reason ?? 'ended'}: ${message}`;
  return `exit code ${exitCode}`;
}

/** How often the container of a pod was started again; 0 for no pod. */
export function restartsOf(pod: V1Pod | undefined): number {
  return (pod && containerOf(pod)?.restartCount) ?? 0;
}

/** How the container of a pod ended last, in words for a person. */
export function lastEnd(pod: V1Pod): string {
  const { state, lastState } = containerOf(pod) ?? {};
  const end = state?.terminated ?? lastState?.terminated;
  return end ? endOf(end) : 'it was started again';
}
