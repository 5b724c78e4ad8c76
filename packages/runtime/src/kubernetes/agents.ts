import type { AgentConfig, AgentInstance, AgentStatus } from '../runtime.ts';
import { agentOperations } from '../shared/agent-operations.ts';
import type { RuntimeLogger } from '../shared/logger.ts';
import { requireSlug } from '../shared/slugs.ts';
import { endAgent, endPod, readPod, readStatefulSet, untilEnded } from './agent-end.ts';
import { type AgentPlan, agentSecret, agentStatefulSet } from './agent-objects.ts';
import { agentPlan } from './agent-plan.ts';
import { configOf, failure, type Outcome, placeOf, podOfConfig, type StartOptions, untilReady } from './agent-start.ts';
import { allAgents, statusOf } from './agent-statuses.ts';
import { apply } from './apply.ts';
import { forgetState } from './forget-state.ts';
import { annotation, label, selector, teamLabels } from './labels.ts';
import { lastWords } from './last-words.ts';
import { agentId, agentObject, idOf, namespaceOf, parseAgentId, podOf } from './names.ts';
import { gatewayPolicy } from './network-policies.ts';
import type { KubernetesSettings } from './settings.ts';
import { sidecarReason } from './sidecar-reason.ts';
import { credentialSecret } from './team-objects.ts';

/** How long a running agent may be not ready (its bus reconnects) before a deploy replaces it. */
const adoptTimeoutMs = 15_000;

export interface AgentsOptions extends StartOptions {
  instance: string;
  settings: KubernetesSettings;
  log: RuntimeLogger;
}

/** The agents of this server's cluster. */
export interface KubernetesAgents {
  deploy(config: AgentConfig, signal: AbortSignal, onProgress?: (progress: string) => void): Promise<AgentInstance>;
  stop(id: string): Promise<void>;
  /** `stop`, and deletes the agent's state. */
  remove(id: string): Promise<void>;
  /** Stops every agent of the team, also those being deployed. */
  stopTeam(team: string): Promise<void>;
  /** Gives up every deploy of the team. */
  cancelTeam(team: string): Promise<void>;
  status(id: string): Promise<AgentStatus>;
  list(): Promise<AgentInstance[]>;
  /** The agent's pod when it has one. */
  podOf(id: string): Promise<{ namespace: string; pod: string; uid: string } | undefined>;
  isBusy(id: string): boolean;
}

export function kubernetesAgents(options: AgentsOptions): KubernetesAgents {
  const { cluster, instance, settings, readyTimeoutMs, log } = options;
  const operations = agentOperations();
  const { isBusy } = operations;
  const sources = { cluster, instance, isBusy };

  async function deployNow(plan: AgentPlan, signal: AbortSignal, onProgress?: (progress: string) => void) {
    const { team, agent } = plan.spec;
    if (await adopts(plan, signal)) return;
    signal.throwIfAborted();
    try {
      const before = await readPod(cluster, placeOf(plan));
      await applyAgent(plan, signal);
      if (before) await endPod(cluster, placeOf(plan), before, signal);
      const outcome = await untilReady(options, plan, signal, onProgress);
      if (outcome.kind !== 'ready') {
        const reason = await failureOf(plan, outcome);
        // Its end takes its time; who waits for the agent need not wait for that, too.
        onProgress?.(reason.message);
        throw reason;
      }
    } catch (error) {
      await endAgent(cluster, placeOf(plan));
      throw error;
    }
    log.info({ team, agent }, 'agent started');
  }

  async function failureOf({ spec }: AgentPlan, outcome: Exclude<Outcome, { kind: 'ready' }>) {
    const { namespace, name } = { namespace: namespaceOf(spec.team), name: podOf(agentObject(spec.agent)) };
    const texts = Object.values(spec.secrets);
    if (outcome.kind === 'not ready') {
      const reason = (await sidecarReason(cluster, namespace, name)) ?? outcome.reason;
      return failure(spec.agent, { ...outcome, reason }, readyTimeoutMs, '');
    }
    // One that was started again has had its last words before that.
    const before = outcome.kind === 'ended' ? await lastWords(cluster, namespace, name, texts, { previous: true }) : '';
    const words = before || (await lastWords(cluster, namespace, name, texts));
    return failure(spec.agent, outcome, readyTimeoutMs, words);
  }

  /** Whether the agent runs as planned, and is ready or soon will be. */
  async function adopts(plan: AgentPlan, signal: AbortSignal): Promise<boolean> {
    const { metadata } = (await readStatefulSet(cluster, placeOf(plan))) ?? {};
    if (metadata?.deletionTimestamp) {
      await untilEnded(cluster, placeOf(plan));
      return false;
    }
    const config = configOf(plan);
    const isSame = metadata?.annotations?.[annotation.config] === config;
    if (!isSame || !(await podOfConfig(cluster, placeOf(plan), config))) return false;
    const patience = Math.min(adoptTimeoutMs, readyTimeoutMs);
    const outcome = await untilReady(
      { ...options, scheduleTimeoutMs: patience, readyTimeoutMs: patience },
      plan,
      signal,
    );
    return outcome.kind === 'ready';
  }

  async function applyAgent(plan: AgentPlan, signal: AbortSignal): Promise<void> {
    const { team, secrets, anthropic_base_url } = plan.spec;
    const policy = gatewayPolicy({ instance, team, apiNamespace: undefined }, anthropic_base_url);
    await Promise.all([
      apply(cluster, agentSecret(plan), signal),
      apply(cluster, credentialSecret(instance, team, secrets), signal),
      policy && apply(cluster, policy, signal),
    ]);
    await apply(cluster, agentStatefulSet(plan), signal);
  }

  async function stop(id: string, afterwards?: (namespace: string, name: string) => Promise<void>): Promise<void> {
    const known = parseAgentId(id);
    if (!known) return;
    await operations.stop(id, async () => {
      const { namespace, name } = known;
      // Somebody may have deleted the StatefulSet alone.
      const { metadata } = (await readStatefulSet(cluster, known)) ?? (await readPod(cluster, known)) ?? {};
      const isOurs = metadata?.labels?.[label.instance] === instance;
      if (isOurs) {
        await endAgent(cluster, known);
        log.info({ namespace, agent: metadata.annotations?.[annotation.agent] }, 'agent stopped');
      }
      if (isOurs || !metadata) await afterwards?.(namespace, name);
    });
  }

  const idsOf = (team: string) =>
    operations.busyIds().filter((id) => parseAgentId(id)?.namespace === namespaceOf(team));

  return {
    async deploy(config, signal, onProgress) {
      const { team, agent } = config;
      requireSlug(team);
      requireSlug(agent);
      const id = agentId(team, agent);
      const plan = agentPlan({ instance, settings }, config);
      await operations.deploy(id, agent, signal, async (either) => deployNow(plan, either, onProgress));
      return { id, team, agent, state: 'running' };
    },

    stop: async (id) => stop(id),
    remove: async (id) =>
      stop(id, async (namespace, name) => forgetState({ cluster, instance, settings }, namespace, name)),

    async stopTeam(team) {
      const which = {
        namespace: namespaceOf(team),
        labelSelector: `${selector(teamLabels(instance, team))},${label.agent}`,
      };
      const [statefulSets, pods] = await Promise.all([
        cluster.apps.listNamespacedStatefulSet(which),
        cluster.core.listNamespacedPod(which),
      ]);
      const ids = [
        ...statefulSets.items.map(({ metadata }) => idOf(which.namespace, metadata?.name ?? '')),
        ...pods.items.map(({ metadata }) => `${which.namespace}/${metadata?.name}`),
      ];
      await operations.stopAll([...ids, ...idsOf(team)], stop);
    },

    async cancelTeam(team) {
      await operations.stopAll(idsOf(team), async (id) => operations.stop(id, async () => undefined));
    },

    status: async (id) => statusOf(sources, id),
    list: async () => allAgents(sources),
    async podOf(id) {
      const known = parseAgentId(id);
      if (!known) return undefined;
      const found = await readPod(cluster, known);
      if (found?.metadata?.labels?.[label.instance] !== instance) return undefined;
      return { namespace: known.namespace, pod: podOf(known.name), uid: found.metadata.uid ?? '' };
    },
    isBusy,
  };
}
