import type { AgentSpec } from '@agentcrew/protocol';
import type { AgentConfig, AgentInstance, AgentStatus } from '../runtime.ts';
import { agentOperations } from '../shared/agent-operations.ts';
import type { RuntimeLogger } from '../shared/logger.ts';
import { requireSlug } from '../shared/slugs.ts';
import { endAgent, isRunningReady, readRecord, type SidecarLaunch, startAgent } from './agent-process.ts';
import { allAgents, recordedAgents, statusOf } from './agent-statuses.ts';
import { agentId, type Layout, parseAgentId } from './layout.ts';
import { ensurePrivateFolder, removePath } from './private-files.ts';
import { openWorkspace } from './workspace.ts';

export interface AgentsOptions {
  layout: Layout;
  launch: SidecarLaunch;
  /** The bus as the team's agents see it. @throws CrewError RUNTIME_FAILED before it was deployed */
  busOf: (team: string) => { nats_url: string; nats_user?: string };
  log: RuntimeLogger;
}

/** The agents of this host. */
export interface LocalAgents {
  deploy(config: AgentConfig, signal: AbortSignal): Promise<AgentInstance>;
  stop(id: string): Promise<void>;
  /** `stop`, and deletes the agent's state. */
  remove(id: string): Promise<void>;
  /** Stops every agent of the team, also those being deployed. */
  stopTeam(team: string): Promise<void>;
  status(id: string): Promise<AgentStatus>;
  /** Every agent of this instance, also what only its marker tells of. */
  list(): Promise<AgentInstance[]>;
  /** The same without searching for markers, which is cheap enough for every second. */
  recorded(): Promise<AgentStatus[]>;
  isBusy(id: string): boolean;
}

/** What is asked of one agent happens in order; a stop cancels the deploys before it. */
export function localAgents({ layout: paths, launch, busOf, log }: AgentsOptions): LocalAgents {
  const operations = agentOperations();
  const { isBusy } = operations;
  const sources = { layout: paths, table: launch.table, instance: launch.instance, isBusy };

  async function specOf(config: AgentConfig): Promise<AgentSpec> {
    const { workspacePath, image: _, resources: __, secrets, ...rest } = config;
    const bus = busOf(config.team);
    const { nats_token: ___, ...others } = secrets;
    return {
      ...rest,
      ...bus,
      // The token is the password of the team's own user; an operator's server has users of its own.
      secrets: bus.nats_user === undefined ? others : secrets,
      instance: launch.instance,
      runtime: 'local',
      workspace: await openWorkspace(paths, config.team, workspacePath),
      state_dir: paths.agent(config.team, config.agent).stateDir,
      health_addr: '127.0.0.1:0',
    };
  }

  async function deployNow(config: AgentConfig, signal: AbortSignal): Promise<void> {
    const { team, agent } = config;
    const files = paths.agent(team, agent);
    const spec = await specOf(config);
    await ensurePrivateFolder(files.stateDir);
    if (await isRunningReady(launch, files, spec, signal)) return;
    signal.throwIfAborted();
    await endAgent(launch, files, team, agent);
    signal.throwIfAborted();
    try {
      await startAgent(launch, files, spec, signal);
    } catch (error) {
      await endAgent(launch, files, team, agent);
      throw error;
    }
    log.info({ team, agent }, 'agent started');
  }

  async function stop(id: string, afterwards?: (stateDir: string) => Promise<void>): Promise<void> {
    const known = parseAgentId(id);
    if (!known) return;
    const files = paths.agent(known.team, known.agent);
    await operations.stop(id, async () => {
      const wasThere = (await readRecord(files)) !== undefined;
      await endAgent(launch, files, known.team, known.agent);
      await afterwards?.(files.stateDir);
      if (wasThere) log.info(known, 'agent stopped');
    });
  }

  return {
    async deploy(config, signal) {
      const { team, agent } = config;
      requireSlug(team);
      requireSlug(agent);
      const id = agentId(team, agent);
      await operations.deploy(id, agent, signal, async (either) => deployNow(config, either));
      return { id, team, agent, state: 'running' };
    },

    stop: async (id) => stop(id),
    remove: async (id) => stop(id, removePath),

    async stopTeam(team) {
      const listed = (await allAgents(sources)).filter((agent) => agent.team === team).map(({ id }) => id);
      const busy = operations.busyIds().filter((id) => parseAgentId(id)?.team === team);
      await operations.stopAll([...listed, ...busy], stop);
    },

    async status(id) {
      const known = parseAgentId(id);
      return known ? await statusOf(sources, known.team, known.agent) : { id, team: '', agent: '', state: 'stopped' };
    },

    list: async () => allAgents(sources),
    recorded: async () => recordedAgents(sources),
    isBusy,
  };
}
