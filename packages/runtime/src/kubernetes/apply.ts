import { type KubernetesObject, PatchStrategy } from '@kubernetes/client-node';
import type { Cluster } from './cluster.ts';
import { ifPresent, statusCodeOf } from './cluster-errors.ts';
import { manager } from './labels.ts';
import { until } from './until.ts';

/** What an object is, without what it says. */
export interface Reference {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

const strategy = PatchStrategy.ServerSideApply;
const mostConflicts = 4;
const applyMs = 60_000;
/** Somebody may be waiting for an end. */
const removeMs = 10_000;

/**
 * Makes an object, or changes of it what is different: server-side apply, which wins over other hands. Waits, like `until`, for
 * an API server that is away for a moment.
 * @throws the signal's reason when it aborts meanwhile
 */
export async function apply<T extends KubernetesObject>(cluster: Cluster, object: T, signal?: AbortSignal): Promise<T> {
  let conflicts = 0;
  const applied = await until(
    async () => {
      // The client sets fields of what it is given.
      const own = { ...object, metadata: { ...object.metadata } };
      try {
        return await cluster.objects.patch(own, undefined, undefined, manager, true, strategy);
      } catch (error) {
        if (statusCodeOf(error) !== 409) throw error;
        // Two that make the same object at the same time: the second one finds it there.
        conflicts += 1;
        if (conflicts === mostConflicts) throw error;
        return undefined;
      }
    },
    applyMs,
    signal,
  );
  signal?.throwIfAborted();
  return applied as T;
}

/** Deletes an object; waits as `apply` does. None is no error. */
export async function remove(cluster: Cluster, reference: Reference): Promise<void> {
  await removeBy(cluster, reference, 'Background');
}

/** The same for one that makes others: it stays until they are gone. Returns before that. */
export async function removeAfterItsOwn(cluster: Cluster, reference: Reference): Promise<void> {
  await removeBy(cluster, reference, 'Foreground');
}

async function removeBy(cluster: Cluster, reference: Reference, policy: 'Background' | 'Foreground'): Promise<void> {
  await until(async () => {
    const own = { ...reference, metadata: { ...reference.metadata } };
    await ifPresent(cluster.objects.delete(own, undefined, undefined, undefined, undefined, policy));
    return true;
  }, removeMs);
}
