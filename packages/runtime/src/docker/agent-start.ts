import { CrewError } from '@agentcrew/protocol';
import { type AgentPlan, agentContainer, agentLabels, inside } from './agent-container.ts';
import { inspectContainer, removeContainer } from './containers.ts';
import type { Engine } from './engine.ts';
import { statusOf } from './engine-errors.ts';
import { handOver } from './hand-over.ts';
import type { Health } from './health.ts';
import { carries, foreign, label } from './labels.ts';
import { lastWords } from './last-words.ts';
import { containerNames, stateVolume } from './names.ts';
import { tarOf } from './tar.ts';
import { ensureVolume } from './volumes.ts';

export interface StartOptions {
  engine: Engine;
  health: Health;
  /** How long an agent may take until it is ready. */
  readyTimeoutMs: number;
}

/**
 * Makes and starts the container of an agent, and waits until the agent is ready. On failure it is removed.
 * @returns the container's id
 * @throws CrewError AGENT_FAILED when it ends instead, AGENT_NOT_READY at the deadline, the signal's reason on abort
 */
export async function startAgent(
  { engine, health, readyTimeoutMs }: StartOptions,
  plan: AgentPlan,
  signal: AbortSignal,
): Promise<string> {
  const id = await createAgent(engine, plan);
  try {
    signal.throwIfAborted();
    const answer = await handOver(engine, id, plan.spec, signal, async () => {
      await engine.calls.getContainer(id).start();
      return await health.untilReady(id, readyTimeoutMs, signal);
    });
    signal.throwIfAborted();
    if (!answer.ready) throw await failure(engine, id, plan, readyTimeoutMs, answer);
    await keepRunning(engine, id);
    return id;
  } catch (error) {
    await removeContainer(engine, id);
    throw error;
  }
}

/** From now on Docker starts the agent again whenever it ends, also after a restart of the engine. */
export async function keepRunning(engine: Engine, container: string): Promise<void> {
  await engine.calls.getContainer(container).update({ RestartPolicy: { Name: 'unless-stopped' } });
}

async function failure(
  engine: Engine,
  id: string,
  { spec }: AgentPlan,
  readyTimeoutMs: number,
  answer: { reason: string } | { dead: true },
): Promise<CrewError> {
  if ('reason' in answer) {
    const seconds = Math.round(readyTimeoutMs / 1_000);
    return new CrewError('AGENT_NOT_READY', `agent ${spec.agent} was not ready after ${seconds} s: ${answer.reason}`);
  }
  const state = (await inspectContainer(engine, id))?.State;
  const how = state ? endOf(state) : 'its container was removed';
  const words = await lastWords(engine, id, Object.values(spec.secrets));
  return new CrewError('AGENT_FAILED', `agent ${spec.agent} ended while starting (${how})${words ? `: ${words}` : ''}`);
}

/** How a container ended, in words for a person. */
export function endOf(state: { ExitCode: number; OOMKilled: boolean; Error: string }): string {
  if (state.OOMKilled) return 'out of memory';
  return state.Error || `exit code ${state.ExitCode}`;
}

/** Makes the container under the plain name, or under the other one when another agent of ours has that. */
async function createAgent(engine: Engine, plan: AgentPlan): Promise<string> {
  const { instance, team, agent } = plan.spec;
  const { plain, other } = containerNames(team, agent);
  const made = await create(engine, plan, plain);
  if (made) return made;
  const holder = await inspectContainer(engine, plain);
  if (holder && !carries(holder.Config.Labels, { [label.instance]: instance })) throw foreign('container', plain);
  const second = await create(engine, plan, other);
  if (!second) throw foreign('container', other);
  return second;
}

/** @returns `undefined` when the name is taken */
async function create(engine: Engine, plan: AgentPlan, name: string): Promise<string | undefined> {
  const { instance } = plan.spec;
  const volume = stateVolume(name);
  const ours = { [label.instance]: instance };
  if (!(await ensureVolume(engine, volume, agentLabels(plan.spec), ours))) return undefined;
  const { HostConfig, ...options } = agentContainer(plan);
  const Mounts = [...(HostConfig?.Mounts ?? []), { Type: 'volume' as const, Source: volume, Target: inside.state }];
  try {
    const { id } = await engine.calls.createContainer({ ...options, name, HostConfig: { ...HostConfig, Mounts } });
    if (plan.hostWorkspace) await ownState(engine, id, plan.hostWorkspace.owner);
    return id;
  } catch (error) {
    if (statusOf(error) !== 409) throw error;
    return undefined;
  }
}

/** A state volume belongs to the image's user, unless the agent works as another one. */
async function ownState(engine: Engine, id: string, owner: { uid: number; gid: number }): Promise<void> {
  const archive = await tarOf([{ name: `${inside.state.slice(1)}/`, mode: 0o700, ...owner }]);
  await engine.calls.getContainer(id).putArchive(archive, { path: '/' });
}
