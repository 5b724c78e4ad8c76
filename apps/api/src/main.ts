import { resolve } from 'node:path';
import { defaultOrgId, openDatabase } from '@agentcrew/models';
import { connectBus } from '@agentcrew/nats';
import { messageOf } from '@agentcrew/protocol';
import closeWithGrace from 'close-with-grace';
import { buildApp } from './app.ts';
import { openToStrangers } from './auth/open-to-strangers.ts';
import { ConfigError, databasePath, listenOn, readConfig } from './config.ts';
import { ambientCredentials } from './crew/credentials.ts';
import { createCrew } from './crew/crew.ts';
import { claimDataDir, emptyReceivedFolder, encryptionKey, instanceId, jwtSecret, openDataDir } from './data-dir.ts';
import { isLoopback } from './listen-address.ts';
import { createLogger } from './logger.ts';
import { createRuntime } from './runtime.ts';
import { version } from './version.ts';

/** An end within this time is promised to whoever stops the server. */
const closeDeadlineMs = 9_000;

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const log = createLogger(config.LOG_LEVEL);
  const dataDir = resolve(config.DATA_DIR);
  openDataDir(dataDir);
  const claim = claimDataDir(dataDir);
  const db = openDatabase({
    path: databasePath(config),
    encryptionKey: encryptionKey(dataDir, config.SETTINGS_ENCRYPTION_KEY),
  });
  for (const org_id of new Set([defaultOrgId, ...db.organizations.all().map(({ id }) => id)])) {
    for (const { key } of db.settings.entries(org_id).filter(({ undecryptable }) => undecryptable))
      log.warn({ org_id, key }, 'setting cannot be decrypted with this SETTINGS_ENCRYPTION_KEY; save it again');
  }
  const runtime = await createRuntime(config, instanceId(dataDir), log);
  const crew = createCrew({
    db,
    runtime,
    connectBus,
    credentials: ambientCredentials(config),
    needsCredential: true,
    workspaceRoots: config.WORKSPACE_ROOTS,
    limits: {
      turn_timeout_ms: config.TURN_TIMEOUT,
      stall_timeout_ms: config.STALL_TIMEOUT,
      idle_park_ms: config.IDLE_PARK_AFTER,
      max_attempts: 10,
      skill_install_ms: config.SKILL_INSTALL_TIMEOUT,
    },
    stream: { maxAgeMs: config.STREAM_MAX_AGE, maxBytes: config.STREAM_MAX_BYTES },
    deployTimeoutMs: config.DEPLOY_TIMEOUT,
    reconcileIntervalMs: config.RECONCILE_INTERVAL,
    maxRestarts: config.AGENT_MAX_RESTARTS,
    agentSilenceTimeoutMs: config.AGENT_SILENCE_TIMEOUT,
    historyRetentionMs: config.HISTORY_RETENTION,
    scheduleTimeoutMs: config.SCHEDULE_TIMEOUT,
    maxScheduleRuns: config.SCHEDULER_MAX_CONCURRENT,
    maxWebhookRuns: config.WEBHOOK_MAX_CONCURRENT,
    postActions: {
      allowPrivate: config.POST_ACTION_ALLOW_PRIVATE,
      maxConcurrent: config.POST_ACTION_MAX_CONCURRENT,
    },
    log,
  });
  const { host, port } = listenOn(config);
  const app = await buildApp({
    crew,
    log,
    version,
    corsOrigins: config.CORS_ORIGINS,
    onLoopback: isLoopback(host),
    workspaceRoots: config.WORKSPACE_ROOTS,
    maxSockets: config.WS_MAX_CLIENTS,
    trustedProxies: config.TRUSTED_PROXIES,
    auth: {
      provider: config.AUTH_PROVIDER,
      multiTenant: config.MULTI_TENANT,
      jwtSecret: jwtSecret(dataDir, config.JWT_SECRET),
      accessTtlMs: config.JWT_ACCESS_EXPIRATION,
      refreshTtlMs: config.JWT_REFRESH_EXPIRATION,
    },
    receivedFolder: emptyReceivedFolder(dataDir),
  });

  closeWithGrace({ delay: closeDeadlineMs, logger: log }, async ({ signal, err }) => {
    if (err) log.fatal({ err }, 'ending after an error');
    else log.info({ signal }, 'ending; agents go on running');
    await app.close();
    await crew.close();
    db[Symbol.dispose]();
    claim[Symbol.dispose]();
  });
  const warning = openToStrangers(
    { provider: config.AUTH_PROVIDER, multiTenant: config.MULTI_TENANT },
    isLoopback(host),
  );
  if (warning) log.warn({ host, port }, warning);
  await app.listen({ host, port });
  crew.start();
  log.info({ version, runtime: runtime.name, data_dir: dataDir, node: process.version }, 'AgentCrew API is up');
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : startFailure(error)}\n`);
  process.exit(1);
}

function startFailure(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE')
    return `The server did not start: ${messageOf(error)}. Another program uses this port; set PORT or LISTEN_ADDR.`;
  return `The server did not start: ${messageOf(error)}`;
}
