import { messageOf } from '@agentcrew/protocol';
import type { AgentStatus } from '../runtime.ts';
import type { RuntimeLogger } from '../shared/logger.ts';
import type { DockerAgents } from './agents.ts';
import type { Engine } from './engine.ts';
import { type ContainerEvent, followEvents } from './events.ts';
import { agentId } from './names.ts';

export interface WatchOptions {
  engine: Engine;
  instance: string;
  agents: DockerAgents;
  log: RuntimeLogger;
}

/** What Docker tells of the agents, passed on to whoever watches. */
export interface AgentWatch extends Disposable {
  add(onChange: (change: AgentStatus) => void): Disposable;
  /** Looks at an agent and reports it when its state is another than before. */
  look(id: string): Promise<void>;
}

/** Follows the engine's events from now on: a container that Docker starts again needs its spec. */
export function watchAgents({ engine, instance, agents, log }: WatchOptions): AgentWatch {
  const listeners = new Set<(change: AgentStatus) => void>();
  const known = new Map<string, AgentStatus>();
  const stop = new AbortController();

  function report(status: AgentStatus): void {
    if (known.get(status.id)?.state === status.state) return;
    if (status.state === 'stopped') known.delete(status.id);
    else known.set(status.id, status);
    for (const listener of listeners) {
      try {
        listener(status);
      } catch (error) {
        log.error({ agent: status.id, err: messageOf(error) }, 'a change of an agent could not be handled');
      }
    }
  }

  async function guarded(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      if (!stop.signal.aborted) log.warn({ err: messageOf(error) }, 'agents could not be looked at');
    }
  }

  async function look(id: string): Promise<void> {
    await guarded(async () => {
      const status = await agents.status(id);
      if (!agents.isBusy(id)) report(status);
    });
  }

  async function lookAtAll(): Promise<void> {
    await guarded(async () => {
      const statuses = await agents.list();
      const gone = [...known.values()].filter(({ id }) => !statuses.some((status) => status.id === id));
      const stopped = gone.map(({ id, team, agent }) => ({ id, team, agent, state: 'stopped' as const }));
      for (const status of [...statuses, ...stopped]) if (!agents.isBusy(status.id)) report(status);
    });
  }

  async function handle({ action, container, team, agent, exitCode }: ContainerEvent): Promise<void> {
    const id = agentId(team, agent);
    if (action === 'die') {
      agents.ended(id, container, exitCode);
      // Reported as it is told: until it is looked at, Docker may have started the agent again.
      const message = `the agent's container ended (exit code ${exitCode})`;
      if (!agents.isBusy(id)) report({ id, team, agent, state: 'error', message });
    }
    if (action === 'start') await guarded(async () => agents.started(id, container));
    if (!agents.isBusy(id)) await look(id);
  }

  const onConnected = () => {
    agents.forgetStarts();
    void lookAtAll();
  };
  void followEvents({ engine, instance, onConnected, onEvent: (event) => void handle(event), log }, stop.signal);

  return {
    look,
    add(onChange) {
      listeners.add(onChange);
      for (const status of known.values()) onChange(status);
      return {
        [Symbol.dispose]: () => {
          listeners.delete(onChange);
        },
      };
    },
    [Symbol.dispose]() {
      stop.abort();
      listeners.clear();
    },
  };
}
