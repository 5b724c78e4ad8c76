import type { KubernetesRuntimeOptions } from '@agentcrew/runtime/kubernetes';
import type { Config } from '../config.ts';

/** What the configuration says about the runtime. */
export function kubernetesOptions(config: Config): Omit<KubernetesRuntimeOptions, 'instance' | 'log'> {
  return {
    agentImage: config.AGENT_IMAGE,
    natsImage: config.NATS_IMAGE,
    context: config.KUBERNETES_CONTEXT,
    clusterDomain: config.KUBERNETES_CLUSTER_DOMAIN,
    workspace: {
      size: config.KUBERNETES_WORKSPACE_SIZE,
      storageClass: config.KUBERNETES_STORAGE_CLASS,
      accessMode: config.KUBERNETES_WORKSPACE_ACCESS_MODE,
    },
    natsStorage: { size: config.KUBERNETES_NATS_SIZE },
    agentRequests: config.KUBERNETES_AGENT_REQUESTS,
    agentLimits: config.KUBERNETES_AGENT_LIMITS,
    runtimeClassName: config.KUBERNETES_RUNTIME_CLASS,
    nodeSelector: config.KUBERNETES_NODE_SELECTOR,
    tolerations: config.KUBERNETES_TOLERATIONS,
    imagePullSecrets: config.KUBERNETES_IMAGE_PULL_SECRETS,
    labels: config.KUBERNETES_LABELS,
    scheduleTimeoutMs: config.KUBERNETES_SCHEDULE_TIMEOUT,
  };
}
