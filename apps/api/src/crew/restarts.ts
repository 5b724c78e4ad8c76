/** What is known of an agent's deaths. Times are `Date.now()` milliseconds. */
interface Record {
  /** Deaths in a row, each soon after the start. */
  failures: number;
  startedAt: number;
  nextAttemptAt: number;
  lastReason: string;
}

/** A start that held for so long was a good one: the next death counts as the first. */
const stableMs = 10_000;
const firstBackOffMs = 500;
const longestBackOffMs = 30_000;

/** When a dead agent may be started again, and when to give it up; kept in memory, for each agent id. */
export interface Restarts {
  /** The agent was seen dead, or its start failed. Counts once for each start. */
  died(agentId: string, reason: string): void;
  /** The agent runs again, whoever started it; calling this while it runs on changes nothing. */
  started(agentId: string): void;
  due(agentId: string): boolean;
  /** How often it died in a row; 0 when it is fine. */
  failures(agentId: string): number;
  exhausted(agentId: string): boolean;
  reason(agentId: string): string;
  forget(agentId: string): void;
}

export function createRestarts(maxRestarts: number, now: () => number = Date.now): Restarts {
  const records = new Map<string, Record>();
  const isDown = (record: Record) => record.nextAttemptAt > record.startedAt;

  return {
    died(agentId, reason) {
      const present = records.get(agentId);
      // Still the same death: its restart has not been tried yet.
      if (present && isDown(present)) return;
      const stable = !present || now() - present.startedAt >= stableMs;
      const failures = stable ? 1 : present.failures + 1;
      const backOff = Math.min(firstBackOffMs * 2 ** (failures - 1), longestBackOffMs);
      records.set(agentId, {
        failures,
        startedAt: present?.startedAt ?? 0,
        nextAttemptAt: now() + backOff,
        lastReason: reason,
      });
    },
    started(agentId) {
      const present = records.get(agentId);
      if (present && isDown(present)) records.set(agentId, { ...present, startedAt: now(), nextAttemptAt: 0 });
    },
    due: (agentId) => now() >= (records.get(agentId)?.nextAttemptAt ?? 0),
    failures: (agentId) => records.get(agentId)?.failures ?? 0,
    exhausted: (agentId) => (records.get(agentId)?.failures ?? 0) > maxRestarts,
    reason: (agentId) => records.get(agentId)?.lastReason ?? '',
    forget: (agentId) => {
      records.delete(agentId);
    },
  };
}
