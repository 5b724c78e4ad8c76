import type { V1Pod } from '@kubernetes/client-node';
import type { Cluster } from './cluster.ts';
import { ifPresent, statusCodeOf } from './cluster-errors.ts';
import { untilTrue } from './until.ts';

/** After the end of its grace period; a kubelet lets go of a pod a moment after the end of its containers. */
const patienceMs = 10_000;
/** Until then an end takes its usual course. */
const usualMs = 20_000;

/**
 * Waits until something in a namespace is gone that its pods hold up. A kubelet that was restarted may never let go of
 * pods that have ended (Kubernetes 1.20): they are removed then.
 * @returns whether it is gone when the time is over, or the signal has aborted
 */
export async function untilPodsGone(
  cluster: Pick<Cluster, 'core'>,
  namespace: string,
  isGone: () => Promise<boolean>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const began = Date.now();
  const look = async () => {
    if (await isGone()) return true;
    if (Date.now() - began >= usualMs) await removeEndedPods(cluster, namespace);
    return false;
  };
  return await untilTrue(look, timeoutMs, signal);
}

/** Removes pods that are being deleted and in which nothing runs any more, as their kubelet itself has told. */
export async function removeEndedPods({ core }: Pick<Cluster, 'core'>, namespace: string): Promise<void> {
  const { items } = await core.listNamespacedPod({ namespace });
  for (const { metadata } of items.filter(isHeld)) {
    const body = { gracePeriodSeconds: 0, preconditions: { uid: metadata?.uid } };
    await unlessReplaced(core.deleteNamespacedPod({ namespace, name: metadata?.name ?? '', body }));
  }
}

function isHeld({ metadata, status }: V1Pod): boolean {
  const { deletionTimestamp } = metadata ?? {};
  const { containerStatuses = [] } = status ?? {};
  const isOverdue = deletionTimestamp !== undefined && Date.now() - deletionTimestamp.getTime() >= patienceMs;
  return isOverdue && containerStatuses.length > 0 && containerStatuses.every(({ state }) => state?.terminated);
}

/** Waits for the deletion of a certain pod, which may be gone, also with another one in its place. */
export async function unlessReplaced(deletion: Promise<unknown>): Promise<void> {
  try {
    await ifPresent(deletion);
  } catch (error) {
    if (statusCodeOf(error) !== 409) throw error;
  }
}
