import { setImmediate as breathe } from 'node:timers/promises';
import type { Database } from '@agentcrew/models';
import { messageOf } from '@agentcrew/protocol';
import type { Logger } from 'pino';

const everyMs = 3_600_000;
/** Rows of a kind at once: the server answers nobody while it deletes. */
const batch = 500;

export interface HistoryDeps {
  db: Database;
  /** `undefined`: nothing is forgotten. */
  retentionMs: number | undefined;
  now: () => Date;
  log: Logger;
}

/** Forgets what agents did, and which runs have ended, when it is too long ago, so that the database does not grow for ever. */
export interface History {
  /** Now and every hour. */
  start(): void;
  close(): Promise<void>;
}

export function createHistory({ db, retentionMs, now, log }: HistoryDeps): History {
  let timer: NodeJS.Timeout | undefined;
  let current: Promise<void> | undefined;
  let closed = false;

  async function forget(keepMs: number): Promise<void> {
    const before = new Date(now().getTime() - keepMs);
    let rows = 0;
    let some: number;
    do {
      some = db.history.forget(before, batch);
      rows += some;
      await breathe();
    } while (some > 0 && !closed);
    if (rows > 0) log.info({ rows, before }, 'old history deleted');
  }

  function pass(keepMs: number): void {
    current ??= forget(keepMs)
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'old history not deleted'))
      .finally(() => {
        current = undefined;
      });
  }

  return {
    start() {
      if (retentionMs === undefined) return;
      timer = setInterval(() => pass(retentionMs), everyMs);
      pass(retentionMs);
    },
    async close() {
      closed = true;
      clearInterval(timer);
      await current;
    },
  };
}
