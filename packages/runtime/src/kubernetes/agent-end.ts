import { CrewError } from '@agentcrew/protocol';
import type { V1Pod, V1StatefulSet } from '@kubernetes/client-node';
import { remove, removeAfterItsOwn } from './apply.ts';
import type { Cluster } from './cluster.ts';
import { ifPresent } from './cluster-errors.ts';
import { unlessReplaced, untilPodsGone } from './ended-pods.ts';
import { podOf } from './names.ts';
import { untilTrue } from './until.ts';

/** A pod gets 15 s to end by itself; a node that is away never confirms it. */
const goneMs = 60_000;

/** An agent's objects: its StatefulSet and its Secret have the same name. */
export interface AgentPlace {
  namespace: string;
  name: string;
}

export async function readStatefulSet(cluster: Cluster, place: AgentPlace): Promise<V1StatefulSet | undefined> {
  return await ifPresent(cluster.apps.readNamespacedStatefulSet(place));
}

export async function readPod(cluster: Cluster, { namespace, name }: AgentPlace): Promise<V1Pod | undefined> {
  return await ifPresent(cluster.core.readNamespacedPod({ namespace, name: podOf(name) }));
}

/** Deletes what an agent is made of, and waits until its pod is gone. @throws CrewError RUNTIME_FAILED when it stays */
export async function endAgent(cluster: Cluster, place: AgentPlace): Promise<void> {
  await removeAfterItsOwn(cluster, { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: place });
  // Goes with its StatefulSet, unless somebody has deleted that and left the pod.
  await ifPresent(cluster.core.deleteNamespacedPod({ namespace: place.namespace, name: podOf(place.name) }));
  try {
    await untilEnded(cluster, place);
  } finally {
    // Last: a pod on its way up that does not find its Secret any more may hold up its own end.
    await remove(cluster, { apiVersion: 'v1', kind: 'Secret', metadata: place });
  }
}

/** Waits for the end of an agent that is being deleted. @throws CrewError RUNTIME_FAILED when its pod stays */
export async function untilEnded(cluster: Cluster, place: AgentPlace): Promise<void> {
  const isGone = async () => !(await readPod(cluster, place)) && !(await readStatefulSet(cluster, place));
  if (await untilPodsGone(cluster, place.namespace, isGone, goneMs)) return;
  const pod = `${place.namespace}/${podOf(place.name)}`;
  throw new CrewError('RUNTIME_FAILED', `The pod ${pod} is not gone after ${goneMs / 1_000} s: is its node there?`);
}

/** Ends a pod that is out of date, or did not become ready; the StatefulSet makes the next one. */
export async function endPod(
  cluster: Cluster,
  place: AgentPlace,
  { metadata }: V1Pod,
  signal: AbortSignal,
): Promise<void> {
  // Else it would be made again from what was before.
  await untilTrue(async () => isObserved(cluster, place), goneMs, signal);
  signal.throwIfAborted();
  // Its name may be the next pod's by now.
  const body = { preconditions: { uid: metadata?.uid } };
  await unlessReplaced(cluster.core.deleteNamespacedPod({ namespace: place.namespace, name: podOf(place.name), body }));
  const isGone = async () => (await readPod(cluster, place))?.metadata?.uid !== metadata?.uid;
  await untilPodsGone(cluster, place.namespace, isGone, goneMs, signal);
}

/** Whether the controller has seen what was applied last. */
async function isObserved(cluster: Cluster, place: AgentPlace): Promise<boolean> {
  const { metadata, status } = (await readStatefulSet(cluster, place)) ?? {};
  return (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
}
