import { type KubernetesObject, PatchStrategy } from '@kubernetes/client-node';
import type { Cluster } from './cluster.ts';
import { ifPresent } from './cluster-errors.ts';
import { manager } from './labels.ts';

/** What an object is, without what it says. */
export interface Reference {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

/** Makes an object, or changes of it what is different: server-side apply, which wins over other hands. */
export async function apply<T extends KubernetesObject>(cluster: Cluster, object: T): Promise<T> {
  // The client sets fields of what it is given.
  const own = { ...object, metadata: { ...object.metadata } };
  const applied = await cluster.objects.patch(own, undefined, undefined, manager, true, PatchStrategy.ServerSideApply);
  return applied as T;
}

/** Deletes an object, and what belongs to it before it. None is no error. */
export async function remove(cluster: Cluster, reference: Reference): Promise<void> {
  const own = { ...reference, metadata: { ...reference.metadata } };
  await ifPresent(cluster.objects.delete(own, undefined, undefined, undefined, undefined, 'Foreground'));
}
