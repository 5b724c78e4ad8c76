import { type KubernetesObject, PatchStrategy } from '@kubernetes/client-node';
import type { Cluster } from './cluster.ts';
import { ifPresent, statusCodeOf } from './cluster-errors.ts';
import { manager } from './labels.ts';

/** What an object is, without what it says. */
export interface Reference {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

const strategy = PatchStrategy.ServerSideApply;
const mostTries = 4;

/** Makes an object, or changes of it what is different: server-side apply, which wins over other hands. */
export async function apply<T extends KubernetesObject>(cluster: Cluster, object: T): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    // The client sets fields of what it is given.
    const own = { ...object, metadata: { ...object.metadata } };
    try {
      return (await cluster.objects.patch(own, undefined, undefined, manager, true, strategy)) as T;
    } catch (error) {
      // Two that make the same object at the same time: the second one finds it there.
      if (statusCodeOf(error) !== 409 || tries === mostTries) throw error;
    }
  }
}

/** Deletes an object, and what belongs to it before it. None is no error. */
export async function remove(cluster: Cluster, reference: Reference): Promise<void> {
  const own = { ...reference, metadata: { ...reference.metadata } };
  await ifPresent(cluster.objects.delete(own, undefined, undefined, undefined, undefined, 'Foreground'));
}
