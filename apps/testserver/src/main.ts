import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildApp } from '@agentcrew/api/app.ts';
import { createCrew } from '@agentcrew/api/crew/crew.ts';
import { anyInterface, parseListenAddress } from '@agentcrew/api/listen-address.ts';
import { createLogger } from '@agentcrew/api/logger.ts';
import { version } from '@agentcrew/api/version.ts';
import { openDatabase } from '@agentcrew/models';
import { agentLimitsSchema } from '@agentcrew/protocol';
import { mockRuntime } from '@agentcrew/runtime/mock';
import closeWithGrace from 'close-with-grace';
import { connectOfflineBus } from './offline-bus.ts';

const listenAddr = process.env.LISTEN_ADDR || '127.0.0.1:3333';
const address = parseListenAddress(listenAddr);
if (!address) {
  process.stderr.write(`LISTEN_ADDR: must be host:port or :port (got ${JSON.stringify(listenAddr)})\n`);
  process.exit(1);
}

const log = createLogger(process.env.LOG_LEVEL || 'info');
const db = openDatabase({ path: ':memory:', encryptionKey: 'only in memory' });
const crew = createCrew({
  db,
  runtime: mockRuntime(),
  connectBus: connectOfflineBus,
  credentials: {},
  needsCredential: false,
  workspaceRoots: [],
  limits: agentLimitsSchema.parse({}),
  stream: { maxAgeMs: 60_000, maxBytes: 1_048_576 },
  deployTimeoutMs: 10_000,
  reconcileIntervalMs: 1_000,
  maxRestarts: 10,
  agentSilenceTimeoutMs: 30_000,
  scheduleTimeoutMs: 3_600_000,
  maxScheduleRuns: 10,
  maxWebhookRuns: 20,
  postActions: { allowPrivate: [], maxConcurrent: 5 },
  log,
});
const receivedFolder = mkdtempSync(join(tmpdir(), 'agentcrew-received-'));
const app = await buildApp({
  crew,
  log,
  version,
  corsOrigins: ['*'],
  onLoopback: false,
  workspaceRoots: [],
  maxSockets: 4096,
  receivedFolder,
});

closeWithGrace({ delay: 5_000, logger: log }, async ({ err }) => {
  if (err) log.fatal({ err }, 'ending after an error');
  await app.close();
  await crew.close();
  db[Symbol.dispose]();
  rmSync(receivedFolder, { recursive: true, force: true });
});
await app.listen({ host: address.host || anyInterface(), port: address.port });
crew.start();
