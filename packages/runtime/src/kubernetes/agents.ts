import { CrewError } from '@agentcrew/protocol';
import type { V1Pod } from '@kubernetes/client-node';
import type { AgentConfig, AgentInstance, AgentStatus } from '../runtime.ts';
import { agentOperations } from '../shared/agent-operations.ts';
import type { RuntimeLogger } from '../shared/logger.ts';
import { requireSlug } from '../shared/slugs.ts';
import { type AgentPlan, agentSecret, agentStatefulSet } from './agent-objects.ts';
import { agentPlan } from './agent-plan.ts';
import { configOf, failure, type Outcome, podOfPlan, type StartOptions, untilReady } from './agent-start.ts';
import { allAgents, statusOf } from './agent-statuses.ts';
import { apply, remove } from './apply.ts';
import { ifPresent } from './cluster-errors.ts';
import { forgetState } from './forget-state.ts';
import { annotation, label, selector, teamLabels } from './labels.ts';
import { lastWords } from './last-words.ts';
import { agentId, agentObject, idOf, namespaceOf, parseAgentId, podOf } from './names.ts';
import { gatewayPolicy } from './network-policies.ts';
import type { KubernetesSettings } from './settings.ts';
import { credentialSecret } from './team-objects.ts';
import { untilTrue } from './until.ts';

/** How long a running agent may be not ready (its bus reconnects) before a deploy replaces it. */
const adoptTimeoutMs = 15_000;
/** The pod gets 15 s to end by itself; a node that is away never confirms it. */
const goneMs = 60_000;

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
      const before = await readPod(plan);
      await applyAgent(plan);
      if (before) await endOutdated(plan, before, signal);
      const outcome = await untilReady(options, plan, signal, onProgress);
      if (outcome.kind !== 'ready') throw failure(agent, outcome, readyTimeoutMs, await wordsOf(plan, outcome));
    } catch (error) {
      await end(namespaceOf(team), agentObject(agent));
      throw error;
    }
    log.info({ team, agent }, 'agent started');
  }

  /** What the agent said last; one that was started again meanwhile, before that. */
  async function wordsOf({ spec: { team, agent, secrets } }: AgentPlan, { kind }: Outcome): Promise<string> {
    const [namespace, pod] = [namespaceOf(team), podOf(agentObject(agent))];
    const texts = Object.values(secrets);
    const before = kind === 'ended' ? await lastWords(cluster, namespace, pod, texts, { previous: true }) : '';
    return before || (await lastWords(cluster, namespace, pod, texts));
  }

  /** Whether the agent runs as planned, and is ready or soon will be. */
  async function adopts(plan: AgentPlan, signal: AbortSignal): Promise<boolean> {
    const { metadata } = (await readStatefulSet(plan)) ?? {};
    if (metadata?.deletionTimestamp) {
      await untilEnded(namespaceOf(plan.spec.team), agentObject(plan.spec.agent));
      return false;
    }
    const isSame = metadata?.annotations?.[annotation.config] === configOf(plan);
    if (!isSame || !(await podOfPlan(cluster, plan))) return false;
    const patience = Math.min(adoptTimeoutMs, readyTimeoutMs);
    const outcome = await untilReady(
      { ...options, scheduleTimeoutMs: patience, readyTimeoutMs: patience },
      plan,
      signal,
    );
    return outcome.kind === 'ready';
  }

  async function readStatefulSet({ spec: { team, agent } }: AgentPlan) {
    const name = agentObject(agent);
    return await ifPresent(cluster.apps.readNamespacedStatefulSet({ name, namespace: namespaceOf(team) }));
  }

  async function readPod({ spec: { team, agent } }: AgentPlan): Promise<V1Pod | undefined> {
    const name = podOf(agentObject(agent));
    return await ifPresent(cluster.core.readNamespacedPod({ name, namespace: namespaceOf(team) }));
  }

  async function applyAgent(plan: AgentPlan): Promise<void> {
    const { team, secrets, anthropic_base_url } = plan.spec;
    const policy = gatewayPolicy({ instance, team, apiNamespace: undefined }, anthropic_base_url);
    await Promise.all([
      apply(cluster, agentSecret(plan)),
      apply(cluster, credentialSecret(instance, team, secrets)),
      policy && apply(cluster, policy),
    ]);
    await apply(cluster, agentStatefulSet(plan));
  }

  /** Ends a pod that is made of another plan, or did not become ready; the StatefulSet makes the next one. */
  async function endOutdated(plan: AgentPlan, { metadata }: V1Pod, signal: AbortSignal): Promise<void> {
    // Else it would be made again from what was before.
    await untilTrue(async () => isObserved(plan), goneMs, signal);
    signal.throwIfAborted();
    const { name = '', namespace = '', uid } = metadata ?? {};
    await ifPresent(cluster.core.deleteNamespacedPod({ name, namespace }));
    await untilTrue(async () => (await uidOf(namespace, name)) !== uid, goneMs, signal);
  }

  async function isObserved(plan: AgentPlan): Promise<boolean> {
    const { metadata, status } = (await readStatefulSet(plan)) ?? {};
    return (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
  }

  async function uidOf(namespace: string, name: string): Promise<string | undefined> {
    return (await ifPresent(cluster.core.readNamespacedPod({ name, namespace })))?.metadata?.uid;
  }

  async function stop(id: string, afterwards?: (namespace: string, name: string) => Promise<void>): Promise<void> {
    const known = parseAgentId(id);
    if (!known) return;
    await operations.stop(id, async () => {
      const { namespace, name } = known;
      const statefulSet = await ifPresent(cluster.apps.readNamespacedStatefulSet(known));
      const isOurs = statefulSet?.metadata?.labels?.[label.instance] === instance;
      if (isOurs) {
        await end(namespace, name);
        log.info({ namespace, agent: statefulSet.metadata?.annotations?.[annotation.agent] }, 'agent stopped');
      }
      if (isOurs || !statefulSet) await afterwards?.(namespace, name);
    });
  }

  /** Deletes what an agent is made of, and waits until its pod is gone. */
  async function end(namespace: string, name: string): Promise<void> {
    await remove(cluster, { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name, namespace } });
    await remove(cluster, { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace } });
    await untilEnded(namespace, name);
  }

  async function untilEnded(namespace: string, name: string): Promise<void> {
    const isGone = async () =>
      (await uidOf(namespace, podOf(name))) === undefined &&
      (await ifPresent(cluster.apps.readNamespacedStatefulSet({ name, namespace }))) === undefined;
    if (await untilTrue(isGone, goneMs)) return;
    const pod = `${namespace}/${podOf(name)}`;
    throw new CrewError('RUNTIME_FAILED', `The pod ${pod} is not gone after ${goneMs / 1_000} s: is its node there?`);
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
      const labelSelector = selector(teamLabels(instance, team));
      const { items } = await cluster.apps.listNamespacedStatefulSet({ namespace: namespaceOf(team), labelSelector });
      const listed = items.map(({ metadata }) => idOf(metadata?.namespace ?? '', metadata?.name ?? ''));
      await operations.stopAll([...listed, ...idsOf(team)], stop);
    },

    async cancelTeam(team) {
      await operations.stopAll(idsOf(team), async (id) => operations.stop(id, async () => undefined));
    },

    status: async (id) => statusOf(sources, id),
    list: async () => allAgents(sources),
    async podOf(id) {
      const known = parseAgentId(id);
      if (!known) return undefined;
      const found = await ifPresent(
        cluster.core.readNamespacedPod({ name: podOf(known.name), namespace: known.namespace }),
      );
      if (found?.metadata?.labels?.[label.instance] !== instance) return undefined;
      return { namespace: known.namespace, pod: podOf(known.name), uid: found.metadata.uid ?? '' };
    },
    isBusy,
  };
}
