import type { Database, Run, RunEnd, RunRef, TriggerType } from '@agentcrew/models';
import { CrewError, messageOf } from '@agentcrew/protocol';
import type { Logger } from 'pino';
import type { Cancellations } from '../cancellations.ts';
import type { Deployer } from '../deployer.ts';
import { type EndRunDeps, endRun } from './end-run.ts';
import { type PromptDeps, sendPrompt, sentPrompt } from './prompt.ts';
import { endBy, type ReplyDeps, replyTo } from './reply.ts';
import type { RunEnded } from './run-ended.ts';
import { onceStorageAllows } from './storage.ts';
import { teamReady } from './team-ready.ts';

export interface RunsDeps extends EndRunDeps, PromptDeps, ReplyDeps {
  db: Database;
  deployer: Deployer;
  cancellations: Cancellations;
  /** How long the run of a schedule may take; that of a webhook has its own time. */
  scheduleTimeoutMs: number;
  /** How long a run that is taken over may take at least: what its agent answered meanwhile has to come in first. */
  catchUpMs: number;
  log: Logger;
}

/**
 * Carries out the runs of schedules and webhooks: brings the team up, sends the prompt, waits for its reply. A run belongs
 * to the message it has sent and ends with the one reply to it, also when the server was away meanwhile.
 */
export interface Runs {
  /** Told of the end of each run, within the transaction that ends it; set when the parts are put together. */
  onEnded: (ended: RunEnded) => void;
  /** Carries out a stored run, in the background. */
  follow(ref: RunRef): void;
  /** The run, once it has ended. Throws RUN_NOT_FOUND, SHUTTING_DOWN, or the signal's reason. */
  ended(ref: RunRef, signal: AbortSignal): Promise<Run>;
  /** Ends the open runs of a trigger as failed, and their turns. */
  cancel(type: TriggerType, triggerId: string, reason: string): void;
  /** Takes over the runs that an earlier process left behind. */
  start(): void;
  /** Lets go of all runs; the next start takes them over. */
  close(): Promise<void>;
}

const restarted = 'The server was restarted before the prompt was sent.';

export function createRuns(deps: RunsDeps): Runs {
  const { db, log } = deps;
  const closing = new AbortController();
  const followed = new Map<string, { ended: AbortController; done: Promise<void> }>();

  async function carryOut(ref: RunRef, ended: AbortSignal, atLeastMs: number): Promise<void> {
    const signal = AbortSignal.any([closing.signal, ended]);
    const run = await onceStorageAllows(() => db.runs.get(ref), signal);
    if (run?.status !== 'running') return;
    const limitMs = run.trigger.timeout_seconds ? run.trigger.timeout_seconds * 1000 : deps.scheduleTimeoutMs;
    const deadline = AbortSignal.timeout(Math.max(atLeastMs, run.started_at.getTime() + limitMs - Date.now()));
    const end = await outcome(run, AbortSignal.any([signal, deadline])).catch((error: unknown) => {
      signal.throwIfAborted();
      return deadline.aborted ? timedOut(limitMs) : failed(messageOf(error));
    });
    if (end) await onceStorageAllows(() => finish(ref, end), signal);
  }

  /** `undefined`: the run was ended by somebody else. */
  async function outcome(run: Run, signal: AbortSignal): Promise<RunEnd | undefined> {
    const message = (await onceStorageAllows(() => sentPrompt(deps, run), signal)) ?? (await send(run, signal));
    const reply = await replyTo(deps, run, message, signal);
    return reply && endBy(reply);
  }

  async function send(run: Run, signal: AbortSignal) {
    await teamReady(deps, run, signal);
    return onceStorageAllows(() => sendPrompt(deps, run), signal);
  }

  function finish(ref: RunRef, end: RunEnd, cancels = end.status === 'timeout'): void {
    const ended = endRun(deps, ref, end, { cancels, onEnded: runs.onEnded });
    if (!ended) return;
    const { run, stopTeam } = ended;
    log.info({ run: run.id, trigger: run.trigger.id, type: run.type, status: run.status }, 'run ended');
    if (cancels) deps.cancellations.kick(run.trigger.team_id);
    if (stopTeam) stop(run.trigger.team_id);
  }

  /** Not awaited, and tried again by the reconciler: the stop is noted at the team. */
  function stop(teamId: string): void {
    const team = db.teams.get(teamId);
    if (!team) return;
    deps.deployer.stop(team).catch((error: unknown) => {
      log.warn({ team_id: teamId, error: messageOf(error) }, 'team not stopped after its run, the reconciler goes on');
    });
  }

  function follow(ref: RunRef, atLeastMs = 0): void {
    if (followed.has(ref.id)) return;
    const ended = new AbortController();
    const done = carryOut(ref, ended.signal, atLeastMs)
      .catch((error: unknown) => {
        if (!closing.signal.aborted && !ended.signal.aborted)
          log.error({ run: ref.id, error: messageOf(error) }, 'run lost');
      })
      .finally(() => followed.delete(ref.id));
    followed.set(ref.id, { ended, done });
  }

  const runs: Runs = {
    onEnded: () => undefined,
    follow: (ref) => follow(ref),

    async ended(ref, signal) {
      await Promise.race([followed.get(ref.id)?.done, abortOf(signal)]);
      const run = db.runs.get(ref);
      if (!run) throw new CrewError('RUN_NOT_FOUND', 'run not found');
      if (run.status === 'running') throw new CrewError('SHUTTING_DOWN', 'the server is shutting down');
      return run;
    },

    cancel(type, triggerId, reason) {
      for (const run of db.runs.openOfTrigger(type, triggerId)) {
        finish(run, failed(reason), true);
        followed.get(run.id)?.ended.abort();
      }
    },

    start() {
      for (const run of db.runs.open()) {
        if (run.message_id !== null) follow(run, deps.catchUpMs);
        else if (!followed.has(run.id)) finish(run, failed(restarted));
      }
    },

    async close() {
      closing.abort();
      await Promise.all([...followed.values()].map(({ done }) => done));
    },
  };
  return runs;
}

function failed(error: string): RunEnd {
  return { status: 'failed', error, response_received: '' };
}

function timedOut(limitMs: number): RunEnd {
  const error = `The run took longer than ${Math.round(limitMs / 1000)} s and was ended.`;
  return { status: 'timeout', error, response_received: '' };
}

function abortOf(signal: AbortSignal): Promise<never> {
  signal.throwIfAborted();
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}
