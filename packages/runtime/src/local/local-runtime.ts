import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CrewError, messageOf } from '@agentcrew/protocol';
import type { AgentRuntime, InfraConfig } from '../runtime.ts';
import { untilAborted } from '../shared/cancellation.ts';
import type { RuntimeLogger } from '../shared/logger.ts';
import { requireSlug } from '../shared/slugs.ts';
import { watchAgents } from './agent-watch.ts';
import { localAgents } from './agents.ts';
import { crewErrors } from './crew-errors.ts';
import { layout, parseAgentId } from './layout.ts';
import { boundLog } from './log-files.ts';
import { streamAgentLogs } from './log-stream.ts';
import { natsServer } from './nats-server.ts';
import { ensurePrivateFolder, removePath } from './private-files.ts';
import { hostProcesses } from './process-table.ts';
import { openWorkspace } from './workspace.ts';

export interface LocalRuntimeOptions {
  /** Folder of everything the runtime keeps; made when it is missing. */
  dataDir: string;
  /** Id of the server's installation: its processes are marked with it. */
  instance: string;
  log: RuntimeLogger;
  /** Path of nats-server; absent: the first on PATH or in the usual folders. */
  natsServer?: string;
  /** A nats-server of the operator's own, to use instead of starting one. */
  externalNatsUrl?: string;
  /** The sidecar's main module; default: the one of this repository. */
  sidecarMain?: string;
  nodeExecutable?: string;
  /** How long an agent may take until it is ready. Default 60 000. */
  readyTimeoutMs?: number;
  /** Environment to take PATH, HOME, LANG and the like from; default: this process's. */
  hostEnvironment?: Record<string, string | undefined>;
}

const houseKeepingMs = 60_000;
const repositorySidecar = fileURLToPath(new URL('../../../../apps/sidecar/src/main.ts', import.meta.url));

/** Agents as processes of this host, with one nats-server of their own. See `AgentRuntime`. */
export function localRuntime(options: LocalRuntimeOptions): AgentRuntime {
  const { instance, log, externalNatsUrl, hostEnvironment = process.env } = options;
  const paths = layout(resolve(options.dataDir));
  const table = hostProcesses();
  const nats = natsServer(paths.nats, { command: options.natsServer, hostEnvironment, table, log });
  const launch = {
    instance,
    node: options.nodeExecutable ?? process.execPath,
    main: options.sidecarMain ?? repositorySidecar,
    readyTimeoutMs: options.readyTimeoutMs ?? 60_000,
    hostEnvironment,
    table,
  };

  function natsUrl(_team: string): string {
    if (externalNatsUrl) return externalNatsUrl;
    const port = nats.port();
    if (port === undefined) throw new CrewError('RUNTIME_FAILED', 'nats-server was not started yet');
    return `nats://127.0.0.1:${port}`;
  }

  const busOf = (team: string) => ({ nats_url: natsUrl(team), ...(externalNatsUrl ? {} : { nats_user: team }) });
  const agents = localAgents({ layout: paths, launch, busOf, log });
  const watches = new Set<Disposable>();

  async function keepLogsBounded(): Promise<void> {
    try {
      await nats.boundLog();
      for (const { team, agent } of await agents.recorded()) {
        const { stdout, stderr } = paths.agent(team, agent);
        await Promise.all([boundLog(stdout), boundLog(stderr)]);
      }
    } catch (error) {
      log.warn({ err: messageOf(error) }, 'logs of agents could not be shortened');
    }
  }
  const houseKeeping = setInterval(() => void keepLogsBounded(), houseKeepingMs).unref();

  async function deployInfra(infra: InfraConfig, signal: AbortSignal): Promise<void> {
    requireSlug(infra.team);
    await ensurePrivateFolder(paths.agents(infra.team));
    await openWorkspace(paths, infra.team, infra.workspacePath);
    if (!externalNatsUrl) await nats.ensureTeam(infra.team, infra.natsToken, signal);
  }

  return {
    name: 'local',

    async deployInfra(infra, signal) {
      await untilAborted(signal, 'starting the message bus', async () =>
        crewErrors(async () => deployInfra(infra, signal)),
      );
    },

    deployAgent: async (agent, signal) => crewErrors(async () => agents.deploy(agent, signal)),
    stopAgent: async (id) => crewErrors(async () => agents.stop(id)),
    removeAgent: async (id) => crewErrors(async () => agents.remove(id)),
    getStatus: async (id) => crewErrors(async () => agents.status(id)),
    listAgents: async () => crewErrors(async () => agents.list()),

    async *streamLogs(id, logOptions) {
      const known = parseAgentId(id);
      if (known) yield* streamAgentLogs(paths.agent(known.team, known.agent), logOptions);
    },

    teardownInfra: async (team, { removeData = false } = {}) =>
      crewErrors(async () => {
        requireSlug(team);
        await agents.stopTeam(team);
        if (!externalNatsUrl) await nats.dropTeam(team, removeData);
        if (removeData) await removePath(paths.team(team));
      }),

    natsUrl,
    natsConnectUrl: async (team) => ({ url: natsUrl(team), ...(externalNatsUrl ? {} : { user: team }) }),

    watch(onChange) {
      const watch = watchAgents(agents, onChange, log);
      watches.add(watch);
      return {
        [Symbol.dispose]() {
          watches.delete(watch);
          watch[Symbol.dispose]();
        },
      };
    },

    async [Symbol.asyncDispose]() {
      clearInterval(houseKeeping);
      for (const watch of watches) watch[Symbol.dispose]();
    },
  };
}
