import type { DockerOptions } from 'dockerode';
import type { TeamAccounts } from '../external-nats/team-accounts.ts';
import type { AgentRuntime } from '../runtime.ts';
import { untilAborted } from '../shared/cancellation.ts';
import type { RuntimeLogger } from '../shared/logger.ts';
import { natsPort } from '../shared/nats-config.ts';
import { serialQueue } from '../shared/serial-queue.ts';
import { requireSlug } from '../shared/slugs.ts';
import { agentLabels } from './agent-container.ts';
import { watchAgents } from './agent-watch.ts';
import { dockerAgents } from './agents.ts';
import { listContainers } from './containers.ts';
import { openEngine } from './engine.ts';
import { dockerErrors } from './engine-errors.ts';
import { healthOf } from './health.ts';
import { imagesOf } from './images.ts';
import { streamAgentLogs } from './log-stream.ts';
import { parseAgentId, teamNames } from './names.ts';
import { findOwnContainer } from './own-container.ts';
import { teamInfra } from './team-infra.ts';

export interface DockerRuntimeOptions {
  /** Id of the server's installation: what it makes is labelled with it, and nothing else is touched. */
  instance: string;
  /** Image of agents whose team names none. */
  agentImage: string;
  /** Default `nats:2.10-alpine`. */
  natsImage?: string;
  /** A nats-server of the operator's own, which the teams' networks can reach, to use instead of one per team. */
  externalNatsUrl?: string;
  /** Its container: it is made part of every team's network, under the host name of the URL. */
  externalNatsContainer?: string;
  /** The teams' accounts on it; without them all teams use the credentials of the URL. */
  teamAccounts?: TeamAccounts;
  log: RuntimeLogger;
  /** Where the engine is; default: DOCKER_HOST and its kin, else the usual socket. */
  docker?: DockerOptions;
  /** How long an agent may take until it is ready. Default 60 000. */
  readyTimeoutMs?: number;
  /** Environment to take DOCKER_CONFIG from; default: this process's. */
  hostEnvironment?: Record<string, string | undefined>;
}

/** Agents as containers, each team in a network of its own with a NATS of its own. See `AgentRuntime`. */
export function dockerRuntime(options: DockerRuntimeOptions): AgentRuntime {
  const { instance, log, teamAccounts, readyTimeoutMs = 60_000, hostEnvironment = process.env } = options;
  const externalNatsUrl = teamAccounts?.url ?? options.externalNatsUrl;
  const engine = openEngine(options.docker);
  const images = imagesOf({ engine, hostEnvironment, log });
  let own: Promise<string | undefined> | undefined;
  const infra = teamInfra({
    engine,
    images,
    instance,
    natsImage: options.natsImage ?? 'nats:2.10-alpine',
    externalNats: externalNatsUrl
      ? { url: externalNatsUrl, container: options.externalNatsContainer, accounts: teamAccounts }
      : undefined,
    ownContainer: async () => {
      own ??= findOwnContainer(engine).catch((error: unknown) => {
        own = undefined;
        throw error;
      });
      return await own;
    },
    log,
  });

  const natsUrl = (team: string) => externalNatsUrl ?? `nats://${teamNames(team).natsHost}:${natsPort}`;
  const hasUsers = externalNatsUrl === undefined || teamAccounts !== undefined;
  const userOf = (team: string) => (hasUsers ? { user: team } : {});
  const busOf = (team: string) => ({ nats_url: natsUrl(team), ...(hasUsers && { nats_user: team }) });
  const agents = dockerAgents({
    engine,
    health: healthOf(engine),
    images,
    instance,
    agentImage: options.agentImage,
    busOf,
    readyTimeoutMs,
    log,
  });
  const watch = watchAgents({ engine, instance, agents, log });
  const teams = serialQueue();
  const guarded = async <T>(task: () => Promise<T>) => dockerErrors(engine.address, task);

  async function containerOf(id: string): Promise<string | undefined> {
    const known = parseAgentId(id);
    return known && (await listContainers(engine, agentLabels({ instance, ...known })))[0]?.Id;
  }

  return {
    name: 'docker',

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

    async stopAgent(id) {
      await guarded(async () => agents.stop(id));
    },
    async removeAgent(id) {
      await guarded(async () => agents.remove(id));
    },
    getStatus: async (id) => guarded(async () => agents.status(id)),
    listAgents: async () => guarded(async () => agents.list()),

    async *streamLogs(id, logOptions) {
      yield* streamAgentLogs(engine, async () => guarded(async () => containerOf(id)), logOptions);
    },

    teardownInfra: async (team, { removeData = false } = {}) =>
      guarded(async () => {
        requireSlug(team);
        await agents.stopTeam(team);
        await teams.run(team, async () => infra.remove(team, removeData));
      }),

    natsUrl,
    natsConnectUrl: async (team) => {
      if (externalNatsUrl) return { url: externalNatsUrl, ...userOf(team) };
      const { host, port } = await guarded(async () => infra.natsAddress(team));
      return { url: `nats://${host}:${port}`, ...userOf(team) };
    },

    watch: (onChange) => watch.add(onChange),

    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]();
    },
  };
}
