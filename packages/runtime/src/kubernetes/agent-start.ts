import { CrewError } from '@agentcrew/protocol';
import type { V1Pod } from '@kubernetes/client-node';
import { type AgentPlan, agentStatefulSet } from './agent-objects.ts';
import type { Cluster } from './cluster.ts';
import { ifPresent } from './cluster-errors.ts';
import { annotation } from './labels.ts';
import { agentObject, namespaceOf, podOf } from './names.ts';
import { containerOf, endOf, type PodStep, stepOf } from './pod-steps.ts';
import { until } from './until.ts';
import { isTransient, lastRemark, type Remark } from './warnings.ts';

/** A pod may be refused for a moment; if it is for so long, it is said why. */
const refusedMs = 5_000;
/** Between two looks at what Kubernetes says about a pod that does not run. */
const remarkEveryMs = 2_000;

export interface StartOptions {
  cluster: Cluster;
  /** How long a pod may wait for a node, and for volumes. */
  scheduleTimeoutMs: number;
  /** How long an agent whose container runs may take until it is ready. */
  readyTimeoutMs: number;
}

/** What became of an agent that starts. */
export type Outcome = { kind: 'ready' } | { kind: 'failed' | 'ended' | 'not ready'; reason: string };

/** An agent's pod when it is there and made of the plan. */
export async function podOfPlan(cluster: Cluster, plan: AgentPlan): Promise<V1Pod | undefined> {
  const name = podOf(agentObject(plan.spec.agent));
  const pod = await ifPresent(cluster.core.readNamespacedPod({ name, namespace: namespaceOf(plan.spec.team) }));
  return pod?.metadata?.annotations?.[annotation.config] === configOf(plan) ? pod : undefined;
}

export function configOf(plan: AgentPlan): string | undefined {
  return agentStatefulSet(plan).metadata?.annotations?.[annotation.config];
}

/** Watches over an agent's start until it is ready, cannot become so, a time is over, or the signal aborts. */
export async function untilReady(
  { cluster, scheduleTimeoutMs, readyTimeoutMs }: StartOptions,
  plan: AgentPlan,
  signal: AbortSignal,
  onProgress?: (progress: string) => void,
): Promise<Outcome> {
  const clock = clockOf();
  const restartsBefore = restartsOf(await podOfPlan(cluster, plan));
  let remarked: Remark | undefined;
  let remarkedAt = 0;

  async function remark(name: string): Promise<Remark | undefined> {
    if (Date.now() - remarkedAt < remarkEveryMs) return remarked;
    remarkedAt = Date.now();
    remarked = await lastRemark(cluster, namespaceOf(plan.spec.team), name);
    return remarked;
  }

  async function withoutPod(): Promise<Outcome | undefined> {
    const found = await remark(agentObject(plan.spec.agent));
    const waitedMs = clock.since('no pod');
    if (!found?.isWarning || isTransient(found.message)) return timedOut(waitedMs, 'its pod is not made');
    onProgress?.(`agent ${plan.spec.agent}: ${found.message}`);
    return waitedMs > refusedMs ? { kind: 'failed', reason: found.message } : undefined;
  }

  function timedOut(waitedMs: number, reason: string): Outcome | undefined {
    return waitedMs > scheduleTimeoutMs ? { kind: 'failed', reason } : undefined;
  }

  async function waiting(pod: V1Pod, reason: string): Promise<Outcome | undefined> {
    const found = await remark(pod.metadata?.name ?? '');
    const why = found && (found.isWarning || found.reason === 'Pulling') ? `${reason} (${found.message})` : reason;
    const waitedMs = clock.since('waiting');
    if (waitedMs > remarkEveryMs) onProgress?.(`agent ${plan.spec.agent}: ${why}`);
    // A large image takes as long as it takes; the deploy's own deadline ends it.
    return found?.reason === 'Pulling' ? undefined : timedOut(waitedMs, why);
  }

  async function look(): Promise<Outcome | undefined> {
    const pod = await podOfPlan(cluster, plan);
    if (!pod) return await withoutPod();
    if (restartsOf(pod) > restartsBefore) return { kind: 'ended', reason: lastEnd(pod) };
    const step: PodStep = stepOf(pod);
    if (step.kind === 'ready') return step;
    if (step.kind === 'failed')
      return { kind: containerOf(pod)?.state?.terminated ? 'ended' : 'failed', reason: step.reason };
    if (step.kind === 'waiting') return await waiting(pod, step.reason);
    return clock.since('running') > readyTimeoutMs ? { kind: 'not ready', reason: step.reason } : undefined;
  }

  const outcome = await until(look, Number.POSITIVE_INFINITY, signal);
  signal.throwIfAborted();
  return outcome ?? { kind: 'not ready', reason: 'the time is over' };
}

/** Tells how long the present phase lasts. */
function clockOf() {
  let phase = '';
  let begin = 0;
  return {
    since(name: string): number {
      if (name !== phase) begin = Date.now();
      phase = name;
      return Date.now() - begin;
    },
  };
}

function restartsOf(pod: V1Pod | undefined): number {
  return (pod && containerOf(pod)?.restartCount) ?? 0;
}

function lastEnd(pod: V1Pod): string {
  const { state, lastState } = containerOf(pod) ?? {};
  const end = state?.terminated ?? lastState?.terminated;
  return end ? endOf(end) : 'it was started again';
}

/** Why an agent did not start, for a person. */
export function failure(
  agent: string,
  outcome: Exclude<Outcome, { kind: 'ready' }>,
  readyTimeoutMs: number,
  words: string,
): CrewError {
  const said = words ? `: ${words}` : '';
  const { kind, reason } = outcome;
  if (kind === 'ended') return new CrewError('AGENT_FAILED', `agent ${agent} ended while starting (${reason})${said}`);
  if (kind === 'failed') return new CrewError('RUNTIME_FAILED', `agent ${agent} does not start: ${reason}`);
  const seconds = Math.round(readyTimeoutMs / 1_000);
  return new CrewError('AGENT_NOT_READY', `agent ${agent} was not ready after ${seconds} s: ${reason}${said}`);
}
