import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildApp } from '@agentcrew/api/app.ts';
import { newSecret } from '@agentcrew/api/auth/secrets.ts';
import { ConfigError, listenOn, readConfig } from '@agentcrew/api/config.ts';
import { createCrew } from '@agentcrew/api/crew/crew.ts';
import { createLogger } from '@agentcrew/api/logger.ts';
import { version } from '@agentcrew/api/version.ts';
import { openDatabase } from '@agentcrew/models';
import { agentLimitsSchema } from '@agentcrew/protocol';
import closeWithGrace from 'close-with-grace';
import { agentsInThisProcess } from './agents.ts';
import { memoryBuses } from './memory-bus.ts';

/** The server's own variables; those that make no sense here are passed over. */
function configuration() {
  const { LISTEN_ADDR, CORS_ORIGINS, ...rest } = process.env;
  const defaults = { LISTEN_ADDR: LISTEN_ADDR || '127.0.0.1:3333', CORS_ORIGINS: CORS_ORIGINS || '*' };
  try {
    return readConfig({ ...rest, ...defaults, RUNTIME: 'local' });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

const config = configuration();
const log = createLogger(config.LOG_LEVEL);
const folder = mkdtempSync(join(tmpdir(), 'agentcrew-testserver-'));
const receivedFolder = join(folder, 'received');
mkdirSync(receivedFolder);
const db = openDatabase({ path: ':memory:', encryptionKey: 'only in memory' });
const connectBus = memoryBuses();
const crew = createCrew({
  db,
  runtime: agentsInThisProcess(join(folder, 'teams'), connectBus),
  connectBus,
  credentials: {},
  needsCredential: false,
  workspaceRoots: [],
  limits: agentLimitsSchema.parse({}),
  stream: { maxAgeMs: 60_000, maxBytes: 1_048_576 },
  deployTimeoutMs: 10_000,
  reconcileIntervalMs: 1_000,
  maxRestarts: 10,
  agentSilenceTimeoutMs: 30_000,
  scheduleTimeoutMs: config.SCHEDULE_TIMEOUT,
  maxScheduleRuns: config.SCHEDULER_MAX_CONCURRENT,
  maxWebhookRuns: config.WEBHOOK_MAX_CONCURRENT,
  postActions: { allowPrivate: config.POST_ACTION_ALLOW_PRIVATE, maxConcurrent: config.POST_ACTION_MAX_CONCURRENT },
  log,
});
const app = await buildApp({
  crew,
  log,
  version,
  corsOrigins: config.CORS_ORIGINS,
  onLoopback: false,
  workspaceRoots: [],
  maxSockets: config.WS_MAX_CLIENTS,
  auth: {
    provider: config.AUTH_PROVIDER,
    multiTenant: config.MULTI_TENANT,
    jwtSecret: config.JWT_SECRET ?? newSecret(),
    accessTtlMs: config.JWT_ACCESS_EXPIRATION,
    refreshTtlMs: config.JWT_REFRESH_EXPIRATION,
  },
  receivedFolder,
});

closeWithGrace({ delay: 5_000, logger: log }, async ({ err }) => {
  if (err) log.fatal({ err }, 'ending after an error');
  await app.close();
  await crew.close();
  db[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});
await app.listen(listenOn(config));
crew.start();
