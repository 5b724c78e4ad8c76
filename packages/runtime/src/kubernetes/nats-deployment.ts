import { CrewError } from '@agentcrew/protocol';
import type { V1Deployment } from '@kubernetes/client-node';
import type { Cluster } from './cluster.ts';
import { ifPresent } from './cluster-errors.ts';
import { untilPodsGone } from './ended-pods.ts';
import { annotation, selector } from './labels.ts';
import { namespaceOf } from './names.ts';
import { type NatsPlan, natsDeployment, natsLabels, natsName } from './nats-objects.ts';
import { stepOf } from './pod-steps.ts';
import { isTransient } from './remarks.ts';
import { until } from './until.ts';

/** For an image to be downloaded and NATS to read its store, when its pod has a node and its volume. */
const startMs = 60_000;
const goneMs = 60_000;

/** Whether a team's NATS is as planned, and ready. */
export async function isReady(cluster: Cluster, plan: NatsPlan): Promise<boolean> {
  const found = await readDeployment(cluster, plan.team);
  const wanted = natsDeployment(plan).metadata?.annotations?.[annotation.config];
  return found !== undefined && found.metadata?.annotations?.[annotation.config] === wanted && isUp(found);
}

/** Whether the pod of the present generation is there, and ready. */
function isUp({ metadata, status }: V1Deployment): boolean {
  const seen = (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
  return seen && !metadata?.deletionTimestamp && status?.updatedReplicas === 1 && status.readyReplicas === 1;
}

/**
 * Waits until a team's NATS takes connections.
 * @param scheduleTimeoutMs how long its pod may wait for a node, and for its volume
 * @throws CrewError RUNTIME_FAILED with the reason taken from the cluster, the signal's reason on abort
 */
export async function untilNatsReady(
  cluster: Cluster,
  plan: NatsPlan,
  scheduleTimeoutMs: number,
  signal: AbortSignal,
  onProgress?: (progress: string) => void,
): Promise<void> {
  let reason = 'its pod is not there';
  const outcome = await until(
    async () => {
      const deployment = await readDeployment(cluster, plan.team);
      if (deployment && isUp(deployment)) return { ready: true };
      const trouble = await troubleOf(cluster, plan, deployment);
      if (trouble.text !== reason) onProgress?.(`starting the message bus: ${trouble.text}`);
      reason = trouble.text;
      return trouble.final ? { ready: false } : undefined;
    },
    scheduleTimeoutMs + startMs,
    signal,
  );
  signal.throwIfAborted();
  if (outcome?.ready) return;
  throw new CrewError('RUNTIME_FAILED', `The NATS of team ${plan.team} did not start: ${reason}`);
}

/**
 * Waits until a team's NATS that is being deleted is gone: until then its name and its volume are taken.
 * @throws CrewError RUNTIME_FAILED at the deadline
 */
export async function untilNatsGone(cluster: Cluster, instance: string, team: string): Promise<void> {
  const namespace = namespaceOf(team);
  const labelSelector = selector(natsLabels(instance, team));
  const pods = async () => (await cluster.core.listNamespacedPod({ namespace, labelSelector })).items;
  const isGone = async () => !(await readDeployment(cluster, team)) && (await pods()).length === 0;
  if (await untilPodsGone(cluster, namespace, isGone, goneMs)) return;
  throw new CrewError('RUNTIME_FAILED', `The NATS of team ${team} is not gone after ${goneMs / 1_000} s`);
}

/** Whether a deletion of a team's NATS is under way. */
export async function isEnding(cluster: Cluster, team: string): Promise<boolean> {
  return (await readDeployment(cluster, team))?.metadata?.deletionTimestamp !== undefined;
}

async function readDeployment(cluster: Cluster, team: string): Promise<V1Deployment | undefined> {
  return await ifPresent(cluster.apps.readNamespacedDeployment({ name: natsName, namespace: namespaceOf(team) }));
}

/** What it waits for. A quota or an admission that refuses its pod shows in a condition of the Deployment. */
async function troubleOf(
  cluster: Cluster,
  { instance, team }: NatsPlan,
  deployment: V1Deployment | undefined,
): Promise<{ text: string; final: boolean }> {
  const refused = deployment?.status?.conditions?.find(
    ({ type, status }) => type === 'ReplicaFailure' && status === 'True',
  );
  if (refused) {
    const { message = 'its pod is refused' } = refused;
    return { text: message, final: !isTransient(message) };
  }
  const labelSelector = selector(natsLabels(instance, team));
  const { items } = await cluster.core.listNamespacedPod({ namespace: namespaceOf(team), labelSelector });
  const pod = items.find(({ metadata }) => !metadata?.deletionTimestamp);
  const step = pod && stepOf(pod);
  if (!step || step.kind === 'ready') return { text: 'its pod is not ready', final: false };
  return { text: step.reason, final: step.kind === 'failed' };
}
