import type Docker from 'dockerode';
import type { AgentStatus } from '../runtime.ts';
import { endOf } from './agent-start.ts';
import { inspectContainer, listContainers } from './containers.ts';
import type { Engine } from './engine.ts';
import type { Health } from './health.ts';
import { label, teamLabels } from './labels.ts';
import { lastWords } from './last-words.ts';
import { agentId, teamNames } from './names.ts';

export interface StatusSources {
  engine: Engine;
  health: Health;
  instance: string;
  /** Containers that are known to have their spec. */
  fed: Set<string>;
  /** Whether an operation on the agent is under way: what it passes through is not the agent's state. */
  isBusy: (id: string) => boolean;
}

/** State of one agent. */
export async function statusOf(sources: StatusSources, team: string, agent: string): Promise<AgentStatus> {
  const labels = { ...teamLabels(sources.instance, team), [label.agent]: agent };
  const [container] = await listContainers(sources.engine, labels);
  if (!container) return { id: agentId(team, agent), team, agent, state: 'stopped' };
  return await judge(sources, container);
}

/** Every agent that has a container. */
export async function allAgents(sources: StatusSources): Promise<AgentStatus[]> {
  const containers = await listContainers(sources.engine, { [label.instance]: sources.instance });
  const agents = containers.filter(({ Labels }) => Labels[label.agent] !== undefined);
  return await Promise.all(agents.map(async (container) => judge(sources, container)));
}

async function judge(sources: StatusSources, container: Docker.ContainerInfo): Promise<AgentStatus> {
  const { [label.team]: team = '', [label.agent]: agent = '' } = container.Labels;
  const id = agentId(team, agent);
  const running = container.State === 'running';
  if (sources.isBusy(id)) return { id, team, agent, state: running ? 'running' : 'stopped' };
  const message = running ? await troubleOf(sources, container, team) : await reasonOf(sources, container);
  // Looked at again last: a stop may have begun, or ended, while this was asking.
  if (message !== undefined && sources.isBusy(id)) return { id, team, agent, state: 'stopped' };
  return message === undefined ? { id, team, agent, state: 'running' } : { id, team, agent, state: 'error', message };
}

/** What is wrong with a container that runs. */
async function troubleOf(
  { health, fed }: StatusSources,
  { Id, NetworkSettings }: Docker.ContainerInfo,
  team: string,
): Promise<string | undefined> {
  if (!NetworkSettings.Networks[teamNames(team).network]) return "the agent is not in its team's network";
  if (fed.has(Id)) return undefined;
  if (!(await health.hasSpec(Id))) return 'the agent was started again by Docker';
  fed.add(Id);
  return undefined;
}

/** Why a container does not run. */
async function reasonOf({ engine }: StatusSources, { Id, State }: Docker.ContainerInfo): Promise<string> {
  if (State === 'paused') return "the agent's container is paused";
  if (State === 'created') return "the agent's container was never started";
  const details = await inspectContainer(engine, Id);
  if (!details) return "the agent's container was removed";
  const words = await lastWords(engine, Id, []);
  return `the agent's container ended (${endOf(details.State)})${words ? `; its last words: ${words}` : ''}`;
}
