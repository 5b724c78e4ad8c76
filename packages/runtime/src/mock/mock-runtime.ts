import { CrewError } from '@agentcrew/protocol';
import type { AgentInstance, AgentRuntime, AgentStatus } from '../runtime.ts';

type DeployOperation = 'deployInfra' | 'deployAgent';

/** A runtime in memory where everything succeeds at once, unless a test asks for something else. */
export interface MockRuntime extends AgentRuntime {
  /** Makes the next call of the operation reject. */
  failNext(operation: DeployOperation, error: CrewError): void;
  /** Makes the next call of the operation hang until its signal aborts. */
  hangNext(operation: DeployOperation): void;
  /** Makes a running agent die. */
  kill(id: string, message?: string): void;
}

/** The mock's id of an agent. The dot occurs in no slug, so that two agents never share an id. */
export function mockAgentId(team: string, agent: string): string {
  return `mock-container-${team}.${agent}`;
}

async function untilAborted(signal: AbortSignal): Promise<never> {
  const aborted = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => aborted.resolve(), { once: true });
  if (!signal.aborted) await aborted.promise;
  throw signal.reason instanceof CrewError
    ? signal.reason
    : new CrewError('DEPLOY_CANCELLED', 'the deploy was cancelled', { cause: signal.reason });
}

export function mockRuntime(): MockRuntime {
  const agents = new Map<string, AgentInstance>();
  const listeners = new Set<(change: AgentStatus) => void>();
  const surprises: { operation: DeployOperation; happen: (signal: AbortSignal) => Promise<never> }[] = [];

  function change(status: AgentStatus): void {
    agents.set(status.id, status);
    for (const listener of listeners) listener(status);
  }

  function stop(id: string): void {
    const known = agents.get(id);
    if (known) change({ id, team: known.team, agent: known.agent, state: 'stopped' });
    agents.delete(id);
  }

  async function surprise(operation: DeployOperation, signal: AbortSignal): Promise<void> {
    if (signal.aborted) await untilAborted(signal);
    const index = surprises.findIndex((candidate) => candidate.operation === operation);
    if (index >= 0) await surprises.splice(index, 1)[0]?.happen(signal);
  }

  return {
    name: 'mock',

    deployInfra: async (_infra, signal) => surprise('deployInfra', signal),

    async deployAgent({ team, agent }, signal) {
      await surprise('deployAgent', signal);
      const status: AgentInstance = { id: mockAgentId(team, agent), team, agent, state: 'running' };
      change(status);
      return status;
    },

    stopAgent: async (id) => stop(id),
    removeAgent: async (id) => stop(id),
    getStatus: async (id) => agents.get(id) ?? { id, team: '', agent: '', state: 'stopped' },

    async *streamLogs(id) {
      if (agents.has(id)) yield { stream: 'stdout', time: new Date().toISOString(), line: 'mock log output' };
    },

    async teardownInfra(team) {
      for (const { id } of [...agents.values()].filter((agent) => agent.team === team)) stop(id);
    },

    natsUrl: (team) => `nats://team-${team}-nats:4222`,
    natsConnectUrl: async () => ({ url: 'nats://127.0.0.1:14222' }),
    listAgents: async () => [...agents.values()],

    watch(onChange) {
      listeners.add(onChange);
      return {
        [Symbol.dispose]: () => {
          listeners.delete(onChange);
        },
      };
    },

    failNext: (operation, error) => {
      surprises.push({ operation, happen: () => Promise.reject(error) });
    },
    hangNext: (operation) => {
      surprises.push({ operation, happen: untilAborted });
    },
    kill(id, message = 'killed') {
      const known = agents.get(id);
      if (known) change({ ...known, state: 'error', message });
    },

    async [Symbol.asyncDispose]() {
      listeners.clear();
    },
  };
}
