import type Docker from 'dockerode';
import type { AgentConfig, AgentInstance, AgentStatus } from '../runtime.ts';
import { agentOperations } from '../shared/agent-operations.ts';
import type { RuntimeLogger } from '../shared/logger.ts';
import { serialQueue } from '../shared/serial-queue.ts';
import { requireSlug } from '../shared/slugs.ts';
import { type AgentPlan, agentContainer, agentLabels } from './agent-container.ts';
import { agentPlan, type PlanOptions } from './agent-plan.ts';
import { keepRunning, type StartOptions, startAgent } from './agent-start.ts';
import { allAgents, statusOf } from './agent-statuses.ts';
import { listContainers, removeContainer, stopContainer } from './containers.ts';
import { handOver } from './hand-over.ts';
import type { Images } from './images.ts';
import { label, teamLabels } from './labels.ts';
import { agentId, containerNames, parseAgentId, teamNames } from './names.ts';
import { ensureVolume, removeVolumes } from './volumes.ts';

/** How long a running agent may be not ready (its bus reconnects) before a deploy replaces it. */
const adoptTimeoutMs = 15_000;

export interface AgentsOptions extends PlanOptions, StartOptions {
  images: Images;
  log: RuntimeLogger;
}

/** The agents of this server's engine. */
export interface DockerAgents {
  deploy(config: AgentConfig, signal: AbortSignal, onProgress?: (progress: string) => void): Promise<AgentInstance>;
  stop(id: string): Promise<void>;
  /** `stop`, and deletes the agent's state. */
  remove(id: string): Promise<void>;
  /** Stops every agent of the team, also those being deployed. */
  stopTeam(team: string): Promise<void>;
  status(id: string): Promise<AgentStatus>;
  list(): Promise<AgentInstance[]>;
  isBusy(id: string): boolean;
  /** A container of an agent has ended; with exit code 0 it was asked to, and waits for a new deploy. */
  ended(id: string, container: string, exitCode: number): void;
  /** Docker has started a container of an agent: when that was not asked for, its sidecar needs its spec again. */
  started(id: string, container: string): Promise<void>;
  /** Containers may have been started again without notice. */
  forgetStarts(): void;
}

/** What is asked of one agent happens in order; a stop cancels the deploys before it. */
export function dockerAgents(options: AgentsOptions): DockerAgents {
  const { engine, health, images, instance, readyTimeoutMs, log } = options;
  const operations = agentOperations();
  /** Colliding names wait for each other. */
  const names = serialQueue();
  const fed = new Set<string>();
  /** What this process has deployed, to be handed over again when Docker starts a container anew. */
  const deployed = new Map<string, AgentPlan>();
  const { isBusy } = operations;
  const sources = { engine, health, instance, fed, isBusy };
  const labelsOf = (team: string, agent: string) => agentLabels({ instance, team, agent });

  async function deployNow(config: AgentConfig, signal: AbortSignal, onProgress?: (progress: string) => void) {
    const { team, agent } = config;
    const plan = await agentPlan(options, config);
    const [known, ...others] = await listContainers(engine, labelsOf(team, agent));
    const wanted = agentContainer(plan).Labels[label.config];
    if (
      known?.State === 'running' &&
      known.Labels[label.config] === wanted &&
      isInNetwork(known.NetworkSettings, team)
    ) {
      if (await becomesReady(known.Id, plan, Math.min(adoptTimeoutMs, readyTimeoutMs), signal)) {
        await keepRunning(engine, known.Id);
        return note(plan, known.Id);
      }
    }
    signal.throwIfAborted();
    await images.ensure(plan.image, signal, onProgress);
    await Promise.all([known, ...others].map(async (old) => old && removeContainer(engine, old.Id)));
    if (!plan.hostWorkspace) await ensureVolume(engine, teamNames(team).workspace, teamLabels(instance, team));
    signal.throwIfAborted();
    note(plan, await startAgent(options, plan, signal));
    log.info({ team, agent }, 'agent started');
  }

  /** Whether an agent that runs is ready soon, after it got its spec in case it waits for it. */
  async function becomesReady(container: string, plan: AgentPlan, timeoutMs: number, signal: AbortSignal) {
    const isReady = async () => (await health.untilReady(container, timeoutMs, signal)).ready;
    if (await health.hasSpec(container)) return await isReady();
    return await handOver(engine, container, plan.spec, signal, isReady);
  }

  function note(plan: AgentPlan, container: string): void {
    fed.add(container);
    deployed.set(agentId(plan.spec.team, plan.spec.agent), plan);
  }

  async function stop(id: string, afterwards?: (team: string, agent: string) => Promise<void>): Promise<void> {
    const known = parseAgentId(id);
    if (!known) return;
    await operations.stop(id, async () => {
      deployed.delete(id);
      const containers = await listContainers(engine, labelsOf(known.team, known.agent));
      await Promise.all(containers.map(end));
      await afterwards?.(known.team, known.agent);
      if (containers.length > 0) log.info(known, 'agent stopped');
    });
  }

  /** A container that Docker is just starting again would lose the signal, and has nothing to tidy up. */
  async function end({ Id, State }: Docker.ContainerInfo): Promise<void> {
    if (State === 'running') await stopContainer(engine, Id);
    await removeContainer(engine, Id);
    fed.delete(Id);
  }

  const nameOf = (team: string, agent: string) => containerNames(team, agent).plain;

  return {
    async deploy(config, signal, onProgress) {
      const { team, agent } = config;
      requireSlug(team);
      requireSlug(agent);
      const id = agentId(team, agent);
      await operations.deploy(id, agent, signal, async (either) =>
        names.run(nameOf(team, agent), async () => deployNow(config, either, onProgress)),
      );
      return { id, team, agent, state: 'running' };
    },

    stop: async (id) => stop(id),
    remove: async (id) => stop(id, async (team, agent) => removeVolumes(engine, labelsOf(team, agent))),

    async stopTeam(team) {
      const listed = await listContainers(engine, teamLabels(instance, team));
      const agents = listed.flatMap(({ Labels }) => Labels[label.agent] ?? []);
      const busy = operations.busyIds().filter((id) => parseAgentId(id)?.team === team);
      await operations.stopAll([...agents.map((agent) => agentId(team, agent)), ...busy], stop);
    },

    async status(id) {
      const known = parseAgentId(id);
      return known ? await statusOf(sources, known.team, known.agent) : { id, team: '', agent: '', state: 'stopped' };
    },

    list: async () => allAgents(sources),
    isBusy,

    ended(id, container, exitCode) {
      fed.delete(container);
      if (exitCode === 0) deployed.delete(id);
    },

    async started(id, container) {
      const known = deployed.get(id);
      if (!known) return;
      await operations.deploy(id, known.spec.agent, AbortSignal.timeout(2 * readyTimeoutMs), async (signal) => {
        const plan = deployed.get(id);
        if (!plan || fed.has(container) || signal.aborted) return;
        if (!(await becomesReady(container, plan, readyTimeoutMs, signal))) return;
        fed.add(container);
        log.info({ team: plan.spec.team, agent: plan.spec.agent }, 'agent started again by Docker');
      });
    },

    forgetStarts: () => fed.clear(),
  };
}

function isInNetwork({ Networks }: { Networks: object }, team: string): boolean {
  return teamNames(team).network in Networks;
}
