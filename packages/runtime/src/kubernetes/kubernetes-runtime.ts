import type { AgentRuntime } from '../runtime.ts';
import { untilAborted } from '../shared/cancellation.ts';
import type { RuntimeLogger } from '../shared/logger.ts';
import { natsPort } from '../shared/nats-config.ts';
import { serialQueue } from '../shared/serial-queue.ts';
import { requireSlug } from '../shared/slugs.ts';
import { watchAgents } from './agent-watch.ts';
import { kubernetesAgents } from './agents.ts';
import { openCluster } from './cluster.ts';
import { clusterErrors } from './cluster-errors.ts';
import { streamPodLogs } from './log-stream.ts';
import { namespaceOf } from './names.ts';
import { podForwards } from './nats-forward.ts';
import { natsHost, natsLabels } from './nats-objects.ts';
import type { KubernetesSettings } from './settings.ts';
import { teamInfra } from './team-infra.ts';

export interface KubernetesRuntimeOptions extends Omit<KubernetesSettings, 'natsImage' | 'clusterDomain'> {
  /** Id of the server's installation: what it makes is labelled with it, and nothing else is touched. */
  instance: string;
  /** Default `nats:2.10-alpine`. */
  natsImage?: string;
  /** Default `cluster.local`. */
  clusterDomain?: string;
  /** Context of the kubeconfig; default: its current one. */
  context?: string;
  log: RuntimeLogger;
  /** How long a pod may wait for a node, and for volumes. Default 120 000. */
  scheduleTimeoutMs?: number;
  /** How long an agent whose container runs may take until it is ready. Default 60 000. */
  readyTimeoutMs?: number;
  /** Environment to take KUBECONFIG and the like from; default: this process's. */
  hostEnvironment?: Record<string, string | undefined>;
}

/**
 * Agents as pods, each team in a namespace of its own with a NATS of its own. See `AgentRuntime`.
 * @throws CrewError RUNTIME_FAILED when there is no configuration of a cluster
 */
export async function kubernetesRuntime(options: KubernetesRuntimeOptions): Promise<AgentRuntime> {
  const {
    instance,
    log,
    scheduleTimeoutMs = 120_000,
    readyTimeoutMs = 60_000,
    hostEnvironment = process.env,
  } = options;
  const settings = {
    ...options,
    natsImage: options.natsImage ?? 'nats:2.10-alpine',
    clusterDomain: options.clusterDomain ?? 'cluster.local',
  };
  const cluster = await openCluster({ context: options.context, environment: hostEnvironment });
  const infra = teamInfra({ cluster, instance, settings, scheduleTimeoutMs, log });
  const agents = kubernetesAgents({ cluster, instance, settings, scheduleTimeoutMs, readyTimeoutMs, log });
  const forwards = podForwards(cluster, log);
  const watch = watchAgents({ cluster, instance, agents, log });
  const teams = serialQueue();
  const guarded = async <T>(task: () => Promise<T>) => clusterErrors(cluster.address, task);
  const natsUrl = (team: string) => `nats://${natsHost(team, settings.clusterDomain)}:${natsPort}`;

  return {
    name: 'kubernetes',

    async deployInfra(config, signal, onProgress) {
      requireSlug(config.team);
      await untilAborted(signal, 'starting the message bus', async () =>
        guarded(async () => teams.run(config.team, async () => infra.ensure(config, signal, onProgress))),
      );
    },

    async deployAgent(config, signal, onProgress) {
      const agent = await guarded(async () => agents.deploy(config, signal, onProgress));
      await watch.look(agent.id);
      return agent;
    },

    stopAgent: async (id) => guarded(async () => agents.stop(id)),
    removeAgent: async (id) => guarded(async () => agents.remove(id)),
    getStatus: async (id) => guarded(async () => agents.status(id)),
    listAgents: async () => guarded(async () => agents.list()),

    async *streamLogs(id, logOptions) {
      yield* streamPodLogs(cluster, async () => agents.podOf(id), logOptions);
    },

    teardownInfra: async (team, { removeData = false } = {}) =>
      guarded(async () => {
        requireSlug(team);
        if (removeData) await agents.cancelTeam(team);
        else await agents.stopTeam(team);
        await forwards.close(namespaceOf(team));
        await teams.run(team, async () => infra.remove(team, removeData));
      }),

    natsUrl,
    async natsConnectUrl(team) {
      if (cluster.inside) return { url: natsUrl(team), user: team };
      const target = { namespace: namespaceOf(team), labels: natsLabels(instance, team), port: natsPort };
      const { host, port } = await guarded(async () => forwards.open(namespaceOf(team), target));
      return { url: `nats://${host}:${port}`, user: team };
    },

    watch: (onChange) => watch.add(onChange),

    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]();
      await forwards[Symbol.asyncDispose]();
    },
  };
}
