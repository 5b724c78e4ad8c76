import type { AgentRow, Database, MessageRow } from '@agentcrew/models';
import type { ConnectBus, StreamLimits } from '@agentcrew/nats';
import { type AgentLimits, CrewError, type FileRef } from '@agentcrew/protocol';
import type { AgentRuntime } from '@agentcrew/runtime';
import type { Logger } from 'pino';
import { addressFor } from './addressee.ts';
import { type Approvals, createApprovals } from './approvals.ts';
import { type Briefings, createBriefings } from './briefings.ts';
import { type Budgets, createBudgets } from './budgets.ts';
import { type Cancellations, createCancellations } from './cancellations.ts';
import type { AmbientCredentials } from './credentials.ts';
import { createDeployer, type Deployer } from './deployer.ts';
import { createHistory } from './history.ts';
import { createHub, type Hub } from './hub.ts';
import { createMessageLog, type MessageLog } from './message-log.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { createPostActions, type PostActions, type PostActionsDeps } from './post-actions/post-actions.ts';
import { createReconciler, type Reconciler } from './reconciler.ts';
import { runRelay } from './relay.ts';
import { createRestarts } from './restarts.ts';
import { createRuns, type Runs } from './runs/runs.ts';
import { createScheduler, type Scheduler } from './runs/scheduler.ts';
import { createWebhooks, type Webhooks } from './runs/webhooks.ts';
import { createSilences } from './silences.ts';
import { createTeamBuses, type TeamBuses } from './team-buses.ts';

export interface CrewOptions {
  db: Database;
  runtime: AgentRuntime;
  connectBus: ConnectBus;
  credentials: AmbientCredentials;
  needsCredential: boolean;
  workspaceRoots: string[];
  limits: AgentLimits;
  stream: StreamLimits;
  deployTimeoutMs: number;
  reconcileIntervalMs: number;
  maxRestarts: number;
  /** An agent that runs and has answered nothing for so long is started again. */
  agentSilenceTimeoutMs: number;
  /** How long the run of a schedule may take. */
  scheduleTimeoutMs: number;
  /** How many runs of all schedules may be under way at once. */
  maxScheduleRuns: number;
  /** The same for webhooks. */
  maxWebhookRuns: number;
  /** How long history is kept; `undefined`: for ever. */
  historyRetentionMs?: number;
  /** See `RunsDeps`; default: 20 s. */
  catchUpMs?: number;
  postActions: Pick<PostActionsDeps, 'allowPrivate' | 'maxConcurrent' | 'lookup' | 'pauseMs'>;
  log: Logger;
}

/** The domain: everything about teams that is not HTTP. */
export interface Crew {
  readonly db: Database;
  readonly runtime: AgentRuntime;
  readonly log: Logger;
  readonly hub: Hub;
  readonly messages: MessageLog;
  readonly outbox: Outbox;
  readonly approvals: Approvals;
  readonly cancellations: Cancellations;
  readonly buses: TeamBuses;
  readonly budgets: Budgets;
  readonly briefings: Briefings;
  readonly deployer: Deployer;
  readonly limits: AgentLimits;
  readonly reconciler: Reconciler;
  readonly runs: Runs;
  readonly scheduler: Scheduler;
  readonly webhooks: Webhooks;
  readonly scheduleTimeoutMs: number;
  readonly postActions: PostActions;
  /**
   * Stores a chat message for the team's leader, or another of its agents, and sends it in the background. The same key
   * gives the same message. `files` are in the agent's workspace already.
   * @throws CrewError TEAM_NOT_RUNNING, AGENT_NOT_RUNNING
   */
  acceptChat(
    teamId: string,
    content: string,
    options?: { to?: AgentRow; idempotencyKey?: string; files?: FileRef[] },
  ): MessageRow;
  /** Begins to work: takes over what an earlier process left behind, then watches until closed. */
  start(): void;
  /** Ends in reverse order of use. Agents go on running. */
  close(): Promise<void>;
}

/** Puts the parts together; nothing runs before `start()`. */
export function createCrew(options: CrewOptions): Crew {
  const { db, runtime, log } = options;
  const hub = createHub();
  const messages = createMessageLog(db, hub);
  const budgets = createBudgets({ db, busOf: (teamId) => buses.get(teamId), log });
  const briefings = createBriefings({ db, busOf: (teamId) => buses.get(teamId), log });
  const outbox = createOutbox({ db, messages, busOf: (teamId) => buses.get(teamId), log });
  const approvals = createApprovals({ db, hub, busOf: (teamId) => buses.get(teamId), log });
  const cancellations = createCancellations({ db, messages, busOf: (teamId) => buses.get(teamId), log });
  const buses: TeamBuses = createTeamBuses({
    ...options,
    onStreamCreated: (teamId) => db.messages.requeue(db.messages.unanswered(teamId).map(({ seq }) => seq)),
    onConnected: (teamId) => {
      outbox.kick(teamId);
      approvals.kick(teamId);
      cancellations.kick(teamId);
      budgets.changed(teamId);
      void briefings.tell(teamId);
    },
    serve: (teamId, bus, signal) => runRelay({ db, messages, budgets, briefings, log }, teamId, bus, signal),
  });
  const silences = createSilences(options.agentSilenceTimeoutMs);
  const deployer = createDeployer({ ...options, buses, budgets, silences, messages, outbox, approvals });
  const restarts = createRestarts(options.maxRestarts);
  const reconciler = createReconciler({
    ...options,
    buses,
    budgets,
    briefings,
    outbox,
    approvals,
    cancellations,
    deployer,
    restarts,
    silences,
    intervalMs: options.reconcileIntervalMs,
  });
  const runs = createRuns({ catchUpMs: 20_000, ...options, hub, messages, outbox, deployer, cancellations });
  const scheduler = createScheduler({
    db,
    runs,
    maxConcurrent: options.maxScheduleRuns,
    now: () => new Date(),
    log,
  });
  const postActions = createPostActions({ ...options.postActions, db, log });
  runs.onEnded = postActions.enqueue;
  const history = createHistory({ db, retentionMs: options.historyRetentionMs, now: () => new Date(), log });

  return {
    db,
    runtime,
    log,
    hub,
    messages,
    outbox,
    approvals,
    cancellations,
    buses,
    budgets,
    briefings,
    deployer,
    limits: options.limits,
    reconciler,
    runs,
    scheduler,
    webhooks: createWebhooks({ db, runs, maxConcurrent: options.maxWebhookRuns }),
    scheduleTimeoutMs: options.scheduleTimeoutMs,
    postActions,
    acceptChat(teamId, content, { to, idempotencyKey, files } = {}) {
      const known = idempotencyKey === undefined ? undefined : db.messages.byIdempotencyKey(teamId, idempotencyKey);
      if (known) return known;
      // Asked again here: the team may have been stopped while the body was read, and nobody would answer.
      if (db.teams.get(teamId)?.status !== 'running') throw new CrewError('TEAM_NOT_RUNNING', 'team is not running');
      const address = addressFor(db.agents.listByTeam(teamId), to);
      const row = messages.acceptChat(teamId, { content, ...address, idempotencyKey, files });
      outbox.kick(teamId);
      return row;
    },
    start() {
      runs.start();
      reconciler.start();
      scheduler.start();
      postActions.start();
      history.start();
    },
    async close() {
      await history.close();
      await scheduler.close();
      await runs.close();
      await reconciler.close();
      await deployer.close();
      await outbox.idle();
      await approvals.idle();
      await cancellations.idle();
      await postActions.close();
      await briefings.idle();
      await buses[Symbol.asyncDispose]();
      await runtime[Symbol.asyncDispose]();
    },
  };
}
