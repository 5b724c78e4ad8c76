import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptResult, ClaimedRun, Database } from '@agentcrew/models';
import type { Logger } from 'pino';
import type { AddressGuard } from './address-guard.ts';
import { type Composed, compose, NotSendable } from './compose.ts';
import { guardedConnector, type Lookup } from './connector.ts';
import { send } from './send.ts';
import { type Verdict, verdictOnAnswer, verdictOnError } from './verdict.ts';

export interface AttemptDeps {
  db: Database;
  guard: AddressGuard;
  closing: AbortSignal;
  log: Logger;
  lookup?: Lookup;
  pauseMs?: (attempts: number) => number;
}

export interface Attempts {
  /** Makes one attempt of a claimed run and stores what it came to; never rejects. */
  make(claimed: ClaimedRun): Promise<void>;
}

const storeAgainMs = 1_000;

export function createAttempts({ db, guard, closing, log, lookup, pauseMs = pauseAfter }: AttemptDeps): Attempts {
  /** `undefined` when the server ended before it was clear. */
  async function sent({ request, redaction }: Composed, timeoutMs: number): Promise<Verdict | undefined> {
    const timeout = AbortSignal.timeout(timeoutMs);
    const connect = guardedConnector(guard, timeoutMs, lookup);
    try {
      const answer = await send(request, { connect, redaction, signal: AbortSignal.any([closing, timeout]) });
      return verdictOnAnswer(answer, new Date());
    } catch (error) {
      if (closing.aborted) return undefined;
      return verdictOnError(error, timeout.aborted ? timeoutMs : undefined);
    }
  }

  async function judged(claimed: ClaimedRun): Promise<(Verdict & AttemptResult) | undefined> {
    const { run, action } = claimed;
    try {
      const composed = prepared(claimed);
      const verdict = await sent(composed, action.timeout_seconds * 1000);
      const { redaction, shown } = composed;
      return verdict && { ...verdict, error: redaction.clean(verdict.error), request_sent: shown };
    } catch (error) {
      if (!(error instanceof NotSendable)) log.error({ err: error, run_id: run.id }, 'post-action failed');
      return { ...verdictOnError(error), request_sent: run.request_sent };
    }
  }

  function store({ run, action }: ClaimedRun, verdict: Verdict & AttemptResult): void {
    const { outcome, waitMs, ...result } = verdict;
    const facts = { post_action_id: action.id, run_id: run.id, status_code: result.status_code, error: result.error };
    if (outcome === 'again' && run.attempts <= action.retry_count) {
      const at = new Date(Date.now() + Math.max(waitMs, pauseMs(run.attempts)));
      db.postActionRuns.retry(run.id, result, at);
      log.info({ ...facts, next_attempt_at: at }, 'post-action is tried again');
      return;
    }
    const status = outcome === 'success' ? 'success' : 'failed';
    db.postActionRuns.finish(run.id, { ...result, status }, new Date());
    log.info({ ...facts, status }, 'post-action is done');
  }

  return {
    async make(claimed) {
      const verdict = await judged(claimed);
      // What the database cannot take now is stored later: an attempt whose outcome is lost would be made again.
      while (verdict) {
        try {
          return store(claimed, verdict);
        } catch (error) {
          log.warn({ err: error, run_id: claimed.run.id }, 'the outcome of a post-action waits for the database');
          if (closing.aborted) return;
          await sleep(storeAgainMs, undefined, { signal: closing }).catch(() => undefined);
        }
      }
    },
  };
}

/** Throws NotSendable. */
function prepared({ run, action, binding }: ClaimedRun): Composed {
  if (!binding) throw new NotSendable('its binding was removed before it was done');
  if (!action.enabled || !binding.enabled) throw new NotSendable('it was disabled before it was done');
  const template = binding.body_override ?? action.body_template;
  return compose(action, { id: run.id, placeholders: run.placeholders, template });
}

/** The pause after so many attempts, in milliseconds: 1, 2, 4 … 30 s, and up to a quarter more, so that those that failed together do not come back together. */
export function pauseAfter(attempts: number): number {
  return Math.min(2 ** (attempts - 1), 30) * 1000 * (1 + Math.random() / 4);
}
