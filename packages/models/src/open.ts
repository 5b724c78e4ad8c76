import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { type AgentQueries, agentQueries } from './agents.ts';
import { type ApiKeyQueries, apiKeyQueries } from './api-keys.ts';
import { type ApprovalQueries, approvalQueries } from './approvals.ts';
import { type Connection, inTransaction } from './connection.ts';
import { attempt, guarded, storageUnavailable } from './errors.ts';
import { type HistoryQueries, historyQueries } from './history.ts';
import { type InviteQueries, inviteQueries } from './invites.ts';
import { type MessageQueries, messageQueries } from './messages.ts';
import { migrate } from './migrate.ts';
import { type OrganizationQueries, organizationQueries } from './organizations.ts';
import { type PostActionBindingQueries, postActionBindingQueries } from './post-action-bindings.ts';
import { type PostActionRunQueries, postActionRunQueries } from './post-action-runs.ts';
import { type PostActionQueries, postActionQueries } from './post-actions.ts';
import { type RefreshTokenQueries, refreshTokenQueries } from './refresh-tokens.ts';
import { type RunQueries, runQueries } from './runs.ts';
import { type ScheduleQueries, scheduleQueries } from './schedules.ts';
import { sealOlderRows } from './seal-older-rows.ts';
import { createSecretBox, type SecretBox } from './secret-box.ts';
import { type SettingQueries, settingQueries } from './settings.ts';
import { type TeamQueries, teamQueries } from './teams.ts';
import { type UsageDayQueries, usageDayQueries } from './usage-days.ts';
import { type UserQueries, userQueries } from './users.ts';
import { type WebhookQueries, webhookQueries } from './webhooks.ts';

export interface DatabaseOptions {
  /** The file, created when absent (0600, its folder 0700), or `:memory:`. */
  path: string;
  /** Passphrase of any length for what is sealed in the file. */
  encryptionKey: string;
}

/**
 * The open database. Everything is synchronous and throws CrewError only: STORAGE_UNAVAILABLE while the file cannot
 * be used (disk full, locked by another process for 1 s, read-only, damaged); the same call may work later.
 */
export interface Database extends Disposable {
  readonly teams: TeamQueries;
  readonly agents: AgentQueries;
  readonly messages: MessageQueries;
  readonly approvals: ApprovalQueries;
  readonly settings: SettingQueries;
  readonly usageDays: UsageDayQueries;
  readonly organizations: OrganizationQueries;
  readonly users: UserQueries;
  readonly refreshTokens: RefreshTokenQueries;
  readonly apiKeys: ApiKeyQueries;
  readonly invites: InviteQueries;
  readonly runs: RunQueries;
  readonly schedules: ScheduleQueries;
  readonly webhooks: WebhookQueries;
  readonly postActions: PostActionQueries;
  readonly postActionBindings: PostActionBindingQueries;
  readonly postActionRuns: PostActionRunQueries;
  readonly history: HistoryQueries;
  /** Runs `work` (synchronous) as a whole or not at all; may be nested. */
  transaction<T>(work: () => T): T;
  /** Reads something. */
  ping(): void;
}

/** Opens the database and brings its tables up to date. Throws STORAGE_UNAVAILABLE with what to do about it. */
export function openDatabase({ path, encryptionKey }: DatabaseOptions): Database {
  const box = createSecretBox(encryptionKey);
  const connection = attempt(path, () => connect(path, box));
  const { sqlite } = connection;
  const probe = sqlite.prepare('select count(*) from (select 1 from teams limit 1)');
  return {
    teams: guarded(teamQueries(connection, box), path),
    agents: guarded(agentQueries(connection, box), path),
    approvals: guarded(approvalQueries(connection), path),
    messages: guarded(messageQueries(connection), path),
    settings: guarded(settingQueries(connection, box), path),
    usageDays: guarded(usageDayQueries(connection), path),
    organizations: guarded(organizationQueries(connection), path),
    users: guarded(userQueries(connection), path),
    refreshTokens: guarded(refreshTokenQueries(connection), path),
    apiKeys: guarded(apiKeyQueries(connection), path),
    invites: guarded(inviteQueries(connection, box), path),
    runs: guarded(runQueries(connection), path),
    schedules: guarded(scheduleQueries(connection), path),
    webhooks: guarded(webhookQueries(connection, box), path),
    postActions: guarded(postActionQueries(connection, box), path),
    postActionBindings: guarded(postActionBindingQueries(connection, box), path),
    postActionRuns: guarded(postActionRunQueries(connection, box), path),
    history: guarded(historyQueries(connection), path),
    transaction: (work) => attempt(path, () => inTransaction(connection, work)),
    ping: () => void attempt(path, () => probe.get()),
    [Symbol.dispose]: () => void sqlite.close(),
  };
}

function connect(path: string, box: SecretBox): Connection {
  if (path !== ':memory:') createFile(path);
  const sqlite = new Sqlite(path);
  try {
    // Waiting blocks the whole process: long enough for another's transaction, no longer.
    sqlite.pragma('busy_timeout = 1000');
    sqlite.pragma('journal_mode = WAL');
    sqlite.pragma('synchronous = NORMAL');
    migrate(sqlite);
    sqlite.pragma('foreign_keys = ON');
    const connection = { sqlite, db: drizzle({ client: sqlite }) };
    sealOlderRows(connection, box);
    return connection;
  } catch (error) {
    sqlite.close();
    throw error;
  }
}

/** SQLite would create the file readable for everybody; what it adds beside it takes over the file's mode. */
function createFile(path: string): void {
  try {
    createFolder(dirname(path));
    closeSync(openSync(path, 'a', 0o600));
  } catch (error) {
    throw storageUnavailable(
      path,
      'the file cannot be created or written; choose another path or its permissions',
      error,
    );
  }
}

/** One by one: Node's own recursive way never returns where the file system says that a parent is missing (`/proc`). */
function createFolder(path: string): void {
  if (existsSync(path)) return;
  createFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process was faster.
    if (!existsSync(path)) throw error;
  }
}
