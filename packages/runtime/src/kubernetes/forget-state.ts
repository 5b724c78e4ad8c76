import { CrewError } from '@agentcrew/protocol';
import type { V1Pod } from '@kubernetes/client-node';
import { agentContainerName, stateFolder } from './agent-objects.ts';
import { apply } from './apply.ts';
import type { Cluster } from './cluster.ts';
import { ifPresent } from './cluster-errors.ts';
import { label, manager } from './labels.ts';
import { besideAgents, placement } from './placement.ts';
import { containerSecurity, noClusterAccess, podSecurity } from './pod-security.ts';
import { stepOf } from './pod-steps.ts';
import type { KubernetesSettings } from './settings.ts';
import { workspaceClaimName } from './team-objects.ts';
import { until } from './until.ts';

const doneMs = 120_000;
const folder = '/state';

export interface ForgetOptions {
  cluster: Cluster;
  instance: string;
  settings: KubernetesSettings;
}

/**
 * Empties an agent's folder on its team's volume, which only a pod can: one that sees nothing else of it.
 * @param name of the agent's objects, `agent-<agent>`
 * @throws CrewError RUNTIME_FAILED when it cannot run
 */
export async function forgetState(options: ForgetOptions, namespace: string, name: string): Promise<void> {
  const { cluster } = options;
  const claim = { name: workspaceClaimName, namespace };
  const known = await ifPresent(cluster.core.readNamespacedPersistentVolumeClaim(claim));
  if (known?.metadata?.labels?.[label.instance] !== options.instance) return;
  const pod = forgetPod(options, namespace, name);
  const reference = { name: pod.metadata?.name ?? '', namespace };
  const end = async () => ifPresent(cluster.core.deleteNamespacedPod({ ...reference, gracePeriodSeconds: 0 }));
  // One that a killed server has left is done, and would do nothing more.
  await end();
  await apply(cluster, pod);
  try {
    const phase = await until(async () => outcomeOf(await cluster.core.readNamespacedPod(reference)), doneMs);
    if (phase?.done) return;
    const reason = phase?.reason ?? `it is not done after ${doneMs / 1_000} s`;
    throw new CrewError('RUNTIME_FAILED', `The state of ${namespace}/${name} could not be deleted: ${reason}`);
  } finally {
    await end();
  }
}

function outcomeOf(pod: V1Pod): { done: true } | { done: false; reason: string } | undefined {
  if (pod.status?.phase === 'Succeeded') return { done: true };
  const step = stepOf(pod);
  return step.kind === 'failed' ? { done: false, reason: step.reason } : undefined;
}

function forgetPod({ instance, settings }: ForgetOptions, namespace: string, name: string): V1Pod {
  const small = { cpu: '50m', memory: '32Mi' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `forget-${name}`,
      namespace,
      labels: { ...settings.labels, [label.instance]: instance, [label.managedBy]: manager },
    },
    spec: {
      ...noClusterAccess,
      ...placement(settings),
      ...besideAgents({ [label.instance]: instance }),
      securityContext: podSecurity,
      restartPolicy: 'Never',
      activeDeadlineSeconds: doneMs / 1_000,
      containers: [
        {
          name: agentContainerName,
          image: settings.agentImage,
          imagePullPolicy: 'IfNotPresent',
          // Folders that nobody may write to, as package managers make them, keep what is in them.
          command: ['sh', '-c', 'chmod -R u+rwX "$0" 2>/dev/null; find "$0" -mindepth 1 -delete', folder],
          resources: { requests: small, limits: small },
          securityContext: containerSecurity,
          volumeMounts: [
            { name: 'state', mountPath: folder, subPath: `${stateFolder}/${name.replace(/^agent-/, '')}` },
          ],
        },
      ],
      volumes: [{ name: 'state', persistentVolumeClaim: { claimName: workspaceClaimName } }],
    },
  };
}
