import { CrewError } from '@agentcrew/protocol';
import type { KubernetesObject, V1PersistentVolumeClaim } from '@kubernetes/client-node';
import type { InfraConfig } from '../runtime.ts';
import type { RuntimeLogger } from '../shared/logger.ts';
import { apply, type Reference, remove, removeAfterItsOwn } from './apply.ts';
import type { Cluster } from './cluster.ts';
import { ifPresent } from './cluster-errors.ts';
import { namespaceOf } from './names.ts';
import { ensureNamespace, findNamespace, isThere, removeNamespace } from './namespaces.ts';
import { isEnding, isReady, untilNatsGone, untilNatsReady } from './nats-deployment.ts';
import {
  type NatsPlan,
  natsClaim,
  natsDeployment,
  natsName,
  natsSecret,
  natsSecretName,
  natsService,
} from './nats-objects.ts';
import { policyNames, teamPolicies } from './network-policies.ts';
import type { KubernetesSettings } from './settings.ts';
import { copiedPullSecret, credentialSecretName, workspaceClaim } from './team-objects.ts';

/** So often a team whose NATS is well gets all its other objects applied again, in case somebody took one away. */
const applyEveryMs = 60_000;

export interface InfraOptions {
  cluster: Cluster;
  instance: string;
  settings: KubernetesSettings;
  /** How long a pod may wait for a node, and for volumes. */
  scheduleTimeoutMs: number;
  log: RuntimeLogger;
}

/** What a team has besides its agents: namespace, volumes, network policies, NATS. */
export interface TeamInfra {
  ensure(infra: InfraConfig, signal: AbortSignal, onProgress?: (progress: string) => void): Promise<void>;
  /** With `removeData` the namespace and all that is in it; else all but the namespace and its volumes. */
  remove(team: string, removeData: boolean): Promise<void>;
}

export function teamInfra(options: InfraOptions): TeamInfra {
  const { cluster, instance, settings, scheduleTimeoutMs, log } = options;
  const appliedAt = new Map<string, number>();

  async function applyAll(plan: NatsPlan, signal: AbortSignal): Promise<void> {
    const { team } = plan;
    const apiNamespace = cluster.inside ? cluster.namespace : undefined;
    await Promise.all([
      ...teamPolicies({ instance, team, apiNamespace }).map(async (policy) => apply(cluster, policy, signal)),
      ...(settings.imagePullSecrets ?? []).map(async (name) => copyPullSecret(team, name, signal)),
      ensureClaim(workspaceClaim(instance, team, settings), signal),
      ensureClaim(natsClaim(plan), signal),
      apply(cluster, natsSecret(plan), signal),
      apply(cluster, natsService(plan), signal),
    ]);
    await apply(cluster, natsDeployment(plan), signal);
  }

  /** A claim is left as it was made: most of it can never be changed, and a smaller default must not break old teams. */
  async function ensureClaim(claim: V1PersistentVolumeClaim, signal: AbortSignal): Promise<void> {
    const { name = '', namespace = '' } = claim.metadata ?? {};
    const known = await ifPresent(cluster.core.readNamespacedPersistentVolumeClaim({ name, namespace }));
    if (!known) await apply(cluster, claim, signal);
  }

  async function copyPullSecret(team: string, name: string, signal: AbortSignal): Promise<void> {
    const found = await ifPresent(cluster.core.readNamespacedSecret({ name, namespace: cluster.namespace }));
    if (found) await apply<KubernetesObject>(cluster, copiedPullSecret(instance, team, found), signal);
    else throw missingPullSecret(name, cluster.namespace);
  }

  return {
    async ensure({ team, natsToken, workspacePath }, signal, onProgress) {
      if (workspacePath) throw noFolders();
      const plan = { instance, team, token: natsToken, settings };
      const fresh = Date.now() - (appliedAt.get(team) ?? 0) < applyEveryMs;
      if (fresh && (await isThere(cluster, instance, team)) && (await isReady(cluster, plan))) return;
      await ensureNamespace(cluster, instance, team, signal, onProgress);
      // The end of a stop that was cut off.
      if (await isEnding(cluster, team)) await untilNatsGone(cluster, instance, team);
      await applyAll(plan, signal);
      await untilNatsReady(cluster, plan, scheduleTimeoutMs, signal, onProgress);
      appliedAt.set(team, Date.now());
      if (!fresh) log.info({ team, namespace: namespaceOf(team) }, 'namespace and NATS are there');
    },

    async remove(team, removeData) {
      appliedAt.delete(team);
      if (removeData) return await removeNamespace(cluster, instance, team);
      if (!(await findNamespace(cluster, instance, team))) return;
      await removeAfterItsOwn(cluster, reference('apps/v1', 'Deployment', team, natsName));
      try {
        await untilNatsGone(cluster, instance, team);
      } finally {
        // Not before: a pod on its way up that does not find its Secret any more may hold up its own end.
        await Promise.all(removable(team, settings).map(async (one) => remove(cluster, one)));
      }
    },
  };
}

/** All that a stopped team does not need, its pods aside. */
function removable(team: string, { imagePullSecrets = [] }: KubernetesSettings): Reference[] {
  return [
    reference('v1', 'Service', team, natsName),
    ...[natsSecretName, credentialSecretName, ...imagePullSecrets].map((name) => reference('v1', 'Secret', team, name)),
    ...policyNames.map((name) => reference('networking.k8s.io/v1', 'NetworkPolicy', team, name)),
  ];
}

function reference(apiVersion: string, kind: string, team: string, name: string): Reference {
  return { apiVersion, kind, metadata: { name, namespace: namespaceOf(team) } };
}

function noFolders(): CrewError {
  return new CrewError(
    'INVALID_TEAM',
    "On Kubernetes a team's workspace is a volume of its namespace: leave workspace_path empty.",
  );
}

function missingPullSecret(name: string, namespace: string): CrewError {
  return new CrewError(
    'RUNTIME_FAILED',
    `KUBERNETES_IMAGE_PULL_SECRETS names ${name}, and there is no such Secret in the namespace ${namespace}.`,
  );
}
