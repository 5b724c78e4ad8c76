import type { Database } from '@agentcrew/models';
import type { TeamBus } from '@agentcrew/nats';
import type { Logger } from 'pino';
import type { MessageLog } from './message-log.ts';

/** What work on the messages of a team needs. */
export interface TeamWorkDeps {
  db: Database;
  messages: MessageLog;
  /** The open bus of a team. */
  busOf: (teamId: string) => TeamBus | undefined;
  log: Logger;
}

/** What is done for teams in the background, for one team at a time. */
export interface TeamWork {
  /** There may be something to do for this team. While it is under way, a kick makes it happen once more. */
  kick(teamId: string): void;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

/** @param work must not reject: nobody waits for it */
export function teamWork(work: (teamId: string) => Promise<void>): TeamWork {
  const running = new Map<string, Promise<void>>();
  const again = new Set<string>();

  async function run(teamId: string): Promise<void> {
    do {
      again.delete(teamId);
      await work(teamId);
    } while (again.has(teamId));
    running.delete(teamId);
  }

  return {
    kick(teamId) {
      if (running.has(teamId)) again.add(teamId);
      else running.set(teamId, run(teamId));
    },
    async idle() {
      await Promise.all(running.values());
    },
  };
}
