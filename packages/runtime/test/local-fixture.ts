import { randomUUID } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@agentcrew/testkit';
import { findNatsServer } from '../src/local/find-nats-server.ts';
import { type LocalRuntimeOptions, localRuntime } from '../src/local/index.ts';
import { parseAgentId } from '../src/local/layout.ts';
import { hostProcesses } from '../src/local/process-table.ts';
import type { AgentConfig, AgentRuntime } from '../src/runtime.ts';

const silent = { info() {}, warn() {}, error() {} };
export const table = hostProcesses();
export const never = new AbortController().signal;

/** A data directory with a local runtime on it, and the means to look behind it. Disposing ends all of it. */
export interface LocalFixture extends AsyncDisposable {
  dataDir: string;
  instance: string;
  runtime: AgentRuntime;
  /** A second server's runtime on the same data, as after a restart. */
  reopen(overrides?: Partial<LocalRuntimeOptions>): AgentRuntime;
  /** Path inside an agent's state folder. */
  stateFile(id: string, name: string): string;
  /** Pid of the agent's sidecar while it lives. */
  pidOf(id: string): Promise<number | undefined>;
  natsPid(): Promise<number | undefined>;
}

async function alivePid(recordFile: string): Promise<number | undefined> {
  const record = await readFile(recordFile, 'utf8').then(JSON.parse, () => undefined);
  const found = record && (await table.identify(record.pid));
  return found?.start_time === record?.start_time ? record?.pid : undefined;
}

export async function openLocal(overrides: Partial<LocalRuntimeOptions> = {}): Promise<LocalFixture> {
  const folder = await temporaryFolder();
  const dataDir = join(folder.path, 'data');
  const instance = randomUUID();
  const opened: AgentRuntime[] = [];
  const reopen = (more: Partial<LocalRuntimeOptions> = {}) => {
    const runtime = localRuntime({
      dataDir,
      instance,
      log: silent,
      sidecarMain: fileURLToPath(new URL('./fake-sidecar.ts', import.meta.url)),
      readyTimeoutMs: 30_000,
      ...overrides,
      ...more,
    });
    opened.push(runtime);
    return runtime;
  };
  const runtime = reopen();
  const stateFile = (id: string, name: string) => {
    const { team, agent } = parseAgentId(id) ?? { team: '', agent: '' };
    return join(dataDir, 'teams', team, 'agents', agent, name);
  };
  return {
    dataDir,
    instance,
    runtime,
    reopen,
    stateFile,
    pidOf: async (id) => alivePid(stateFile(id, 'process.json')),
    natsPid: async () => alivePid(join(dataDir, 'nats', 'process.json')),
    async [Symbol.asyncDispose]() {
      const served = await readFile(join(dataDir, 'nats', 'teams.json'), 'utf8').then(JSON.parse, () => ({
        teams: [],
      }));
      const teams = [...served.teams, ...(await runtime.listAgents())].map(({ team }: { team: string }) => team);
      for (const team of new Set(teams)) await runtime.teardownInfra(team, { removeData: true });
      for (const one of opened) await one[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

export function infraOf(team: string) {
  return { team, natsToken: `token-of-${team}` };
}

/** An agent's config; `env.BEHAVIOUR` tells the fake sidecar what to do. */
export function agentConfig(team: string, agent: string, behaviour = 'ready'): AgentConfig {
  return {
    team,
    agent,
    agent_name: agent,
    role: 'worker',
    instructions: '',
    teammates: [],
    permissions: {},
    limits: { turn_timeout_ms: 60_000, stall_timeout_ms: 60_000, idle_park_ms: 60_000, max_attempts: 3 },
    env: { BEHAVIOUR: behaviour },
    secrets: { nats_token: `token-of-${team}`, anthropic_api_key: 'canary-api-key-4711' },
  };
}

export const exists = async (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/** Whether this host has a nats-server; tests that need one are skipped otherwise. */
export const hasNatsServer = await findNatsServer(undefined, process.env.PATH).then(
  () => true,
  () => false,
);
