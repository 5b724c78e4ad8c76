import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectBus } from '@agentcrew/nats';
import { type AgentSpec, agentSpecSchema, messageOf } from '@agentcrew/protocol';
import type { AgentConfig, AgentRuntime } from '@agentcrew/runtime';
import { mockAgentId, mockRuntime } from '@agentcrew/runtime/mock';
import { Agent } from '@agentcrew/sidecar/agent.ts';
import { prepareFolders } from '@agentcrew/sidecar/folders.ts';
import { ownState } from '@agentcrew/sidecar/own-state.ts';
import { createRedactor } from '@agentcrew/sidecar/redactor.ts';
import { waitFor } from '@agentcrew/testkit';
import { pino } from 'pino';
import { LogLines } from './log-lines.ts';
import { MockClaude } from './mock-claude.ts';
import { mockInstaller } from './mock-installer.ts';

interface RunningAgent extends AsyncDisposable {
  team: string;
  lines: LogLines;
  /** Resolves when it takes messages. */
  ready: Promise<unknown>;
}

/**
 * The mock runtime with agents behind it: each is a whole sidecar in this process, whose Claude Code is a mock. `folder`
 * holds their workspaces.
 */
export function agentsInThisProcess(folder: string, connectBus: ConnectBus): AgentRuntime {
  const mock = mockRuntime();
  const agents = new Map<string, RunningAgent>();

  async function end(id: string): Promise<void> {
    const agent = agents.get(id);
    agents.delete(id);
    await agent?.[Symbol.asyncDispose]();
  }

  async function endAll(team?: string): Promise<void> {
    const meant = [...agents].filter(([, agent]) => team === undefined || agent.team === team);
    await Promise.all(meant.map(([id]) => end(id)));
  }

  return {
    ...mock,

    async deployAgent(config, signal) {
      const id = mockAgentId(config.team, config.agent);
      await end(id);
      const agent = startAgent(specOf(config, folder), connectBus);
      agents.set(id, agent);
      await agent.ready;
      return mock.deployAgent(config, signal);
    },

    async stopAgent(id) {
      await end(id);
      await mock.stopAgent(id);
    },

    async removeAgent(id) {
      await end(id);
      await mock.removeAgent(id);
    },

    async *streamLogs(id, options) {
      yield* agents.get(id)?.lines.read(options) ?? [];
    },

    async teardownInfra(team, options) {
      await endAll(team);
      await mock.teardownInfra(team, options);
      if (options?.removeData) rmSync(join(folder, team), { recursive: true, force: true });
    },

    async [Symbol.asyncDispose]() {
      await endAll();
      await mock[Symbol.asyncDispose]();
    },
  };
}

function specOf(config: AgentConfig, folder: string): AgentSpec {
  const place = join(folder, config.team);
  return agentSpecSchema.parse({
    ...config,
    instance: 'testserver',
    runtime: 'mock',
    nats_url: 'nats://in-this-process',
    workspace: join(place, 'workspace'),
    state_dir: join(place, 'agents', config.agent),
    health_addr: '127.0.0.1:0',
  });
}

function startAgent(spec: AgentSpec, connectBus: ConnectBus): RunningAgent {
  prepareFolders(spec);
  ownState(spec);
  const lines = new LogLines();
  lines.write('mock log output');
  const log = pino({ base: { team: spec.team, agent: spec.agent }, timestamp: pino.stdTimeFunctions.isoTime }, lines);
  const agent = new Agent({
    spec,
    log,
    redactor: createRedactor(spec.secrets),
    connectBus,
    checkClaude: async () => 'mock',
    startClaude: async (options) => new MockClaude(options),
    transcriptState: async () => 'absent',
    runInstaller: mockInstaller,
    onAbandoned: () => undefined,
  });
  agent.run().catch((error: unknown) => log.fatal({ error: messageOf(error) }, 'the agent cannot go on'));
  return {
    team: spec.team,
    lines,
    ready: waitFor(`agent ${spec.agent}`, () => isReady(spec), { timeoutMs: 5_000 }),
    async [Symbol.asyncDispose]() {
      await agent.close();
      lines.end();
    },
  };
}

/** Asked as other runtimes do: by that an agent knows that it is wanted. */
async function isReady({ state_dir }: AgentSpec): Promise<boolean> {
  const { port } = JSON.parse(readFileSync(join(state_dir, 'health.json'), 'utf8'));
  return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
}
