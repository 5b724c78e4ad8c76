import type { MessageRow } from '@agentcrew/models';

type Listener = (row: MessageRow) => void;

/** Tells listeners of a team about each message row once it is stored, in the order of `seq`. */
export interface Hub {
  publish(row: MessageRow): void;
  subscribe(teamId: string, listener: Listener): Disposable;
  /** The same for all teams. */
  observe(listener: Listener): Disposable;
}

/** Listeners are called at once, so a row is published only after its transaction has been committed. */
export function createHub(): Hub {
  const listeners = new Map<string, Set<Listener>>();
  const observers = new Set<Listener>();

  return {
    publish(row) {
      for (const listener of observers) listener(row);
      for (const listener of listeners.get(row.team_id) ?? []) listener(row);
    },
    subscribe(teamId, listener) {
      const ofTeam = listeners.get(teamId) ?? new Set();
      listeners.set(teamId, ofTeam.add(listener));
      return {
        [Symbol.dispose]() {
          ofTeam.delete(listener);
          if (ofTeam.size === 0 && listeners.get(teamId) === ofTeam) listeners.delete(teamId);
        },
      };
    },
    observe(listener) {
      observers.add(listener);
      return { [Symbol.dispose]: () => void observers.delete(listener) };
    },
  };
}
