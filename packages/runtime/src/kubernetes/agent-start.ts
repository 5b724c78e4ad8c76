import { CrewError } from '@agentcrew/protocol';
import type { V1Pod } from '@kubernetes/client-node';
import { type AgentPlace, readPod } from './agent-end.ts';
import { type AgentPlan, agentStatefulSet } from './agent-objects.ts';
import type { Cluster } from './cluster.ts';
import { annotation } from './labels.ts';
import { agentObject, namespaceOf } from './names.ts';
import { containerOf, lastEnd, restartsOf, stepOf } from './pod-steps.ts';
import { isTransient, type Remark, remarks } from './remarks.ts';
import { until } from './until.ts';

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

/** An agent's pod when it is there and made of the plan whose `configOf` this is. */
export async function podOfConfig(
  cluster: Cluster,
  place: AgentPlace,
  config: string | undefined,
): Promise<V1Pod | undefined> {
  const pod = await readPod(cluster, place);
  return pod?.metadata?.annotations?.[annotation.config] === config ? pod : undefined;
}

/** The fingerprint of a plan, for which all of it is read. */
export function configOf(plan: AgentPlan): string | undefined {
  return agentStatefulSet(plan).metadata?.annotations?.[annotation.config];
}

export function placeOf({ spec }: AgentPlan): AgentPlace {
  return { namespace: namespaceOf(spec.team), name: agentObject(spec.agent) };
}

/** Watches over an agent's start until it is ready, cannot become so, a time is over, or the signal aborts. */
export async function untilReady(
  options: StartOptions,
  plan: AgentPlan,
  signal: AbortSignal,
  onProgress?: (progress: string) => void,
): Promise<Outcome> {
  const config = configOf(plan);
  const findPod = async () => podOfConfig(options.cluster, placeOf(plan), config);
  const restartsBefore = restartsOf(await findPod());
  const steps = observer(options, plan, (text) => onProgress?.(`agent ${plan.spec.agent}: ${text}`));

  async function look(): Promise<Outcome | undefined> {
    const pod = await findPod();
    if (!pod) return await steps.withoutPod();
    if (restartsOf(pod) > restartsBefore) return { kind: 'ended', reason: lastEnd(pod) };
    const step = stepOf(pod);
    if (step.kind === 'waiting') return await steps.waiting(pod, step.reason);
    if (step.kind === 'running') return steps.running(step.reason);
    if (step.kind === 'ready') return step;
    return { kind: containerOf(pod)?.state?.terminated ? 'ended' : 'failed', reason: steps.because(step.reason) };
  }

  const outcome = await until(look, Number.POSITIVE_INFINITY, signal);
  signal.throwIfAborted();
  return outcome ?? { kind: 'not ready', reason: 'the time is over' };
}

/** Judges the steps on the way to readiness by the time they take, and passes on what Kubernetes says meanwhile. */
function observer(
  { cluster, scheduleTimeoutMs, readyTimeoutMs }: StartOptions,
  { spec }: AgentPlan,
  tell: (text: string) => void,
) {
  const clock = clockOf();
  let pullFailure = '';
  const remarkOn = remarks(cluster, namespaceOf(spec.team), remarkEveryMs);
  const late = (waitedMs: number, reason: string): Outcome | undefined =>
    waitedMs > scheduleTimeoutMs ? { kind: 'failed', reason } : undefined;

  return {
    async withoutPod(): Promise<Outcome | undefined> {
      const waitedMs = clock.since('no pod');
      const remark = await remarkOn(agentObject(spec.agent));
      if (!remark?.isWarning || isTransient(remark.message)) return late(waitedMs, 'its pod is not made');
      tell(remark.message);
      return waitedMs > refusedMs ? { kind: 'failed', reason: remark.message } : undefined;
    },

    async waiting(pod: V1Pod, reason: string): Promise<Outcome | undefined> {
      const waitedMs = clock.since('waiting');
      if (reason.startsWith('ErrImagePull')) pullFailure = ` (${reason})`;
      if (waitedMs < remarkEveryMs) return undefined;
      const remark = await remarkOn(pod.metadata?.name ?? '');
      const why = remark && explains(remark) ? `${reason} (${remark.message})` : reason;
      tell(why);
      // A large image takes as long as it takes; the deploy's own deadline ends it.
      return remark?.reason === 'Pulling' ? undefined : late(waitedMs, why);
    },

    /** Older kubelets say only once why they cannot pull an image, and then that they wait to try it again. */
    because: (reason: string) => (reason.startsWith('ImagePullBackOff') ? `${reason}${pullFailure}` : reason),

    running(reason: string): Outcome | undefined {
      return clock.since('running') > readyTimeoutMs ? { kind: 'not ready', reason } : undefined;
    },
  };
}

/**
 * Whether a remark tells why a pod waits: `Pulling`, `FailedMount`, `FailedAttachVolume`, `FailedCreatePodSandBox` … That no
 * node takes it says the pod itself.
 */
function explains({ reason }: Remark): boolean {
  return reason === 'Pulling' || (reason.startsWith('Failed') && reason !== 'FailedScheduling');
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
