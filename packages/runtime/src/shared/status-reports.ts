import { messageOf } from '@agentcrew/protocol';
import type { AgentStatus } from '../runtime.ts';
import type { RuntimeLogger } from './logger.ts';

/** Tells listeners of agents whose state is another than before. */
export interface StatusReports extends Disposable {
  /** Those known are told at once. */
  add(listener: (change: AgentStatus) => void): Disposable;
  report(status: AgentStatus): void;
  /** These are all there are: those known that are not among them count as stopped. */
  reportAll(statuses: AgentStatus[]): void;
}

/** @param isBusy whether an operation on the agent is under way: what it passes through is nobody's news */
export function statusReports(isBusy: (id: string) => boolean, log: RuntimeLogger): StatusReports {
  const listeners = new Set<(change: AgentStatus) => void>();
  const known = new Map<string, AgentStatus>();

  function report(seen: AgentStatus): void {
    const before = known.get(seen.id);
    if (isBusy(seen.id) || before?.state === seen.state) return;
    // Of what is gone a runtime may not know any more whose it was.
    const status = before && seen.team === '' ? { ...seen, team: before.team, agent: before.agent } : seen;
    if (status.state === 'stopped') known.delete(status.id);
    else known.set(status.id, status);
    for (const listener of listeners) tell(listener, status);
  }

  function tell(listener: (change: AgentStatus) => void, status: AgentStatus): void {
    try {
      listener(status);
    } catch (error) {
      log.error({ agent: status.id, err: messageOf(error) }, 'a change of an agent could not be handled');
    }
  }

  return {
    report,
    reportAll(statuses) {
      const gone = [...known.values()].filter(({ id }) => !statuses.some((status) => status.id === id));
      for (const status of statuses) report(status);
      for (const { id, team, agent } of gone) report({ id, team, agent, state: 'stopped' });
    },
    add(listener) {
      listeners.add(listener);
      for (const status of known.values()) tell(listener, status);
      return {
        [Symbol.dispose]: () => {
          listeners.delete(listener);
        },
      };
    },
    [Symbol.dispose]: () => listeners.clear(),
  };
}
