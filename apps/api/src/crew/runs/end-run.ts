import type { Database, Run, RunEnd, RunRef } from '@agentcrew/models';
import { CrewError, messageOf, redact } from '@agentcrew/protocol';
import type { Logger } from 'pino';
import type { AmbientCredentials } from '../credentials.ts';
import { settleTeam } from './afterwards.ts';
import { type RunEnded, runEnded } from './run-ended.ts';

export interface EndRunDeps {
  db: Database;
  credentials: AmbientCredentials;
  log: Logger;
}

export interface EndOptions {
  /** Whether the run's turn goes on and is to be ended too. */
  cancels: boolean;
  onEnded: (ended: RunEnded) => void;
}

/**
 * Ends a run, tells of it and decides about its turn and its team, all in one transaction.
 * @returns `undefined` when the run has ended already.
 */
export function endRun(
  deps: EndRunDeps,
  ref: RunRef,
  end: RunEnd,
  { cancels, onEnded }: EndOptions,
): { run: Run; stopTeam: boolean } | undefined {
  const { db } = deps;
  return db.transaction(() => {
    const at = new Date();
    const open = db.runs.get(ref);
    const team = open && db.teams.get(open.trigger.team_id);
    const error = open ? redact(end.error, secretsOf(deps, open.trigger.org_id, team?.nats_token)) : end.error;
    const run = db.runs.end(ref, { ...end, error }, at);
    if (!run) return undefined;
    if (cancels && run.message_id !== null) db.messages.cancel(run.message_id, error);
    tell(deps, () => onEnded(runEnded(run, end.status, at, team?.name ?? '')));
    return { run, stopTeam: settleTeam(db, run) };
  });
}

/** What a listener breaks must not keep the run open; only storage that is away is a reason to try again. */
function tell({ db, log }: EndRunDeps, work: () => void): void {
  try {
    db.transaction(work);
  } catch (error) {
    if (error instanceof CrewError && error.code === 'STORAGE_UNAVAILABLE') throw error;
    log.error({ error: messageOf(error) }, 'what follows a run failed');
  }
}

function secretsOf(
  { db, credentials }: EndRunDeps,
  orgId: string,
  natsToken: string | undefined,
): (string | undefined)[] {
  const settings = db.settings.entries(orgId).filter(({ is_secret }) => is_secret);
  const { ANTHROPIC_BASE_URL: _, ...ambient } = credentials;
  return [natsToken, ...settings.map(({ value }) => value), ...Object.values(ambient)];
}
