import { CrewError } from '@agentcrew/protocol';
import type { V1Namespace } from '@kubernetes/client-node';
import { apply } from './apply.ts';
import type { Cluster } from './cluster.ts';
import { ifPresent } from './cluster-errors.ts';
import { untilPodsGone } from './ended-pods.ts';
import { label } from './labels.ts';
import { namespaceOf } from './names.ts';
import { teamNamespace } from './team-objects.ts';

/** Kubernetes ends every pod in it first, and then looks for whatever else there may be. */
const goneMs = 180_000;

/** A team's namespace when it is there and ours. */
export async function findNamespace(
  cluster: Cluster,
  instance: string,
  team: string,
): Promise<V1Namespace | undefined> {
  const found = await ifPresent(cluster.core.readNamespace({ name: namespaceOf(team) }));
  return found?.metadata?.labels?.[label.instance] === instance ? found : undefined;
}

/** Whether a team's namespace is there, ours, and not about to end. */
export async function isThere(cluster: Cluster, instance: string, team: string): Promise<boolean> {
  const found = await findNamespace(cluster, instance, team);
  return found !== undefined && !found.metadata?.deletionTimestamp;
}

/**
 * Makes sure of a team's namespace; one that is being deleted is waited for first.
 * @throws CrewError RUNTIME_FAILED when the name is somebody else's, or the old one does not end
 */
export async function ensureNamespace(
  cluster: Cluster,
  instance: string,
  team: string,
  signal: AbortSignal,
  onProgress?: (progress: string) => void,
): Promise<void> {
  const name = namespaceOf(team);
  const found = await ifPresent(cluster.core.readNamespace({ name }));
  if (found && found.metadata?.labels?.[label.instance] !== instance) throw foreign(name);
  if (found?.metadata?.deletionTimestamp) {
    onProgress?.(`waiting until the old namespace ${name} is gone`);
    await untilGone(cluster, name, signal);
  }
  signal.throwIfAborted();
  await apply(cluster, teamNamespace(instance, team), signal);
}

/** Deletes a team's namespace with all that is in it, and waits until it is gone. */
export async function removeNamespace(cluster: Cluster, instance: string, team: string): Promise<void> {
  if (!(await findNamespace(cluster, instance, team))) return;
  const name = namespaceOf(team);
  await ifPresent(cluster.core.deleteNamespace({ name }));
  await untilGone(cluster, name);
}

async function untilGone(cluster: Cluster, name: string, signal?: AbortSignal): Promise<void> {
  const read = async () => ifPresent(cluster.core.readNamespace({ name }));
  const gone = await untilPodsGone(cluster, name, async () => (await read()) === undefined, goneMs, signal);
  signal?.throwIfAborted();
  if (gone) return;
  const reasons = (await read())?.status?.conditions?.filter(({ status }) => status === 'True') ?? [];
  const why = reasons.map(({ message }) => message).join('; ') || 'Kubernetes does not say why';
  throw new CrewError('RUNTIME_FAILED', `The namespace ${name} is not gone after ${goneMs / 1_000} s: ${why}`);
}

function foreign(name: string): CrewError {
  return new CrewError(
    'RUNTIME_FAILED',
    `The Kubernetes namespace ${name} was not made by this server, so it is left alone. Remove it (kubectl delete namespace ${name}), or give the team another name.`,
  );
}
