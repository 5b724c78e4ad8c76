import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { untilAborted } from '../shared/cancellation.ts';
import { fromPod, toPod } from './channels.ts';
import type { Cluster } from './cluster.ts';
import { clusterErrors } from './cluster-errors.ts';
import { selector } from './labels.ts';
import { openPodPort } from './pod-port.ts';
import { isReady } from './pod-steps.ts';

const openMs = 10_000;

/** A port of the pods that carry the labels. */
export interface ForwardTarget {
  namespace: string;
  labels: Record<string, string>;
  port: number;
}

/** Connects a client with the pod that is ready now. Settles when either has ended, and so both have. */
export async function forwardConnection(
  cluster: Cluster,
  target: ForwardTarget,
  client: Socket,
  signal: AbortSignal,
): Promise<void> {
  try {
    const opening = AbortSignal.any([signal, AbortSignal.timeout(openMs)]);
    const pod = await clusterErrors(cluster.address, async () => openTarget(cluster, target, opening));
    await join(client, pod, signal);
  } finally {
    client.destroy();
  }
}

async function openTarget(cluster: Cluster, target: ForwardTarget, signal: AbortSignal): Promise<Duplex> {
  const { namespace, labels, port } = target;
  const pod = await untilAborted(signal, 'looking for the pod', async () => readyPod(cluster, namespace, labels));
  return await openPodPort(cluster.config, { namespace, pod, port }, signal);
}

async function join(client: Socket, pod: Duplex, signal: AbortSignal): Promise<void> {
  const ways = [pipeline(client, toPod, pod, { signal }), pipeline(pod, fromPod, client, { signal })];
  try {
    await Promise.race(ways);
  } finally {
    pod.destroy();
    client.destroy();
    await Promise.allSettled(ways);
  }
}

/** Name of a pod with the labels that is ready, and is not about to end. */
async function readyPod({ core }: Cluster, namespace: string, labels: Record<string, string>): Promise<string> {
  const labelSelector = selector(labels);
  const { items } = await core.listNamespacedPod({ namespace, labelSelector });
  const pod = items.find((one) => !one.metadata?.deletionTimestamp && isReady(one));
  if (!pod?.metadata?.name) throw new Error(`no pod with ${labelSelector} is ready in ${namespace}`);
  return pod.metadata.name;
}
