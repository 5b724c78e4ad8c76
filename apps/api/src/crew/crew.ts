import type { Database, MessageRow } from '@agentcrew/models';
import type { ConnectBus, StreamLimits } from '@agentcrew/nats';
import { type AgentLimits, CrewError } from '@agentcrew/protocol';
import type { AgentRuntime } from '@agentcrew/runtime';
import type { Logger } from 'pino';
import { type Budgets, createBudgets } from './budgets.ts';
import type { AmbientCredentials } from './credentials.ts';
import { createDeployer, type Deployer } from './deployer.ts';
import { createHub, type Hub } from './hub.ts';
import { createMessageLog, type MessageLog } from './message-log.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { createReconciler, type Reconciler } from './reconciler.ts';
import { runRelay } from './relay.ts';
import { createRestarts } from './restarts.ts';
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
  readonly buses: TeamBuses;
  readonly budgets: Budgets;
  readonly deployer: Deployer;
  readonly reconciler: Reconciler;
  /**
   * Stores a chat message for the team's leader and sends it in the background.
   * @throws CrewError TEAM_NOT_RUNNING
   */
  acceptChat(teamId: string, content: string): MessageRow;
  /** Ends in reverse order of use. Agents go on running. */
  close(): Promise<void>;
}

/** Puts the parts together; nothing runs before `reconciler.start()`. */
export function createCrew(options: CrewOptions): Crew {
  const { db, runtime, log } = options;
  const hub = createHub();
  const messages = createMessageLog(db, hub);
  const budgets = createBudgets({ db, busOf: (teamId) => buses.get(teamId), log });
  const outbox = createOutbox({ db, messages, busOf: (teamId) => buses.get(teamId), log });
  const buses: TeamBuses = createTeamBuses({
    ...options,
    onStreamCreated: (teamId) => db.messages.requeue(db.messages.unanswered(teamId).map(({ seq }) => seq)),
    onConnected: (teamId) => {
      outbox.kick(teamId);
      budgets.changed(teamId);
    },
    serve: (teamId, bus, signal) => runRelay({ db, messages, budgets, log }, teamId, bus, signal),
  });
  const deployer = createDeployer({ ...options, buses, budgets, messages, outbox });
  const restarts = createRestarts(options.maxRestarts);
  const reconciler = createReconciler({
    ...options,
    buses,
    budgets,
    outbox,
    deployer,
    restarts,
    intervalMs: options.reconcileIntervalMs,
  });

  return {
    db,
    runtime,
    log,
    hub,
    messages,
    outbox,
    buses,
    budgets,
    deployer,
    reconciler,
    acceptChat(teamId, content) {
      // Asked again here: the team may have been stopped while the body was read, and nobody would answer.
      if (db.teams.get(teamId)?.status !== 'running') throw new CrewError('TEAM_NOT_RUNNING', 'team is not running');
      const row = messages.acceptChat(teamId, content);
      outbox.kick(teamId);
      return row;
    },
    async close() {
      await reconciler.close();
      await deployer.close();
      await outbox.idle();
      await buses[Symbol.asyncDispose]();
      await runtime[Symbol.asyncDispose]();
    },
  };
}
