import { messageOf } from '@agentcrew/protocol';
import type { AgentStatus } from '../runtime.ts';
import { agentLooks } from '../shared/agent-looks.ts';
import type { RuntimeLogger } from '../shared/logger.ts';
import { statusReports } from '../shared/status-reports.ts';
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
  const reports = statusReports(agents.isBusy, log);
  const stop = new AbortController();
  const { look, lookAtAll, guarded } = agentLooks({ agents, reports, wordsOf: messageOf, stop: stop.signal, log });

  async function handle({ action, container, team, agent, exitCode }: ContainerEvent): Promise<void> {
    const id = agentId(team, agent);
    if (action === 'die') {
      agents.ended(id, container, exitCode);
      // Reported as it is told: until it is looked at, Docker may have started the agent again.
      const message = `the agent's container ended (exit code ${exitCode})`;
      reports.report({ id, team, agent, state: 'error', message });
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
    add: (onChange) => reports.add(onChange),
    [Symbol.dispose]() {
      stop.abort();
      reports[Symbol.dispose]();
    },
  };
}
