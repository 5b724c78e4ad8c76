import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildApp } from '@agentcrew/api/app.ts';
import { type AuthOptions, noSignIn } from '@agentcrew/api/auth/auth.ts';
import { type Crew, type CrewOptions, createCrew } from '@agentcrew/api/crew/crew.ts';
import { type Database, openDatabase } from '@agentcrew/models';
import type { ConnectBus } from '@agentcrew/nats';
import { agentLimitsSchema } from '@agentcrew/protocol';
import type { RuntimeName } from '@agentcrew/runtime';
import { type MockRuntime, mockRuntime } from '@agentcrew/runtime/mock';
import pino, { type Logger } from 'pino';
import { type Client, createClient } from './client.ts';
import { connectOfflineBus } from './offline-bus.ts';
import { routesOf } from './routes.ts';

export interface TestAppOptions {
  db?: Database;
  connectBus?: ConnectBus;
  corsOrigins?: string[];
  onLoopback?: boolean;
  workspaceRoots?: string[];
  /** What the runtime in memory passes itself off as. */
  runtimeName?: RuntimeName;
  maxSockets?: number;
  deployTimeoutMs?: number;
  maxRestarts?: number;
  scheduleTimeoutMs?: number;
  maxScheduleRuns?: number;
  maxWebhookRuns?: number;
  postActions?: Partial<CrewOptions['postActions']>;
  log?: Logger;
  /** What differs from a server without sign-in. */
  auth?: Partial<AuthOptions>;
  socketCheckMs?: number;
  trustedProxies?: string[];
}

/** The server as the test server composes it, in this process, listening on a free port of 127.0.0.1. */
export interface TestApp extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  url: string;
  port: number;
  db: Database;
  crew: Crew;
  runtime: MockRuntime;
  client: Client;
  /** Every route as `METHOD /path/:id`, those that no document lists included. */
  routes(): string[];
  /** What waits on the server's disk for its way into a workspace. */
  received(): string[];
  /** The server's end of each open WebSocket. */
  sockets(): Set<{ bufferedAmount: number }>;
  /** Stops and deletes all teams, so that tests can share a server. */
  clear(): Promise<void>;
  /** What the server does when it ends: every connection closed, nothing running any more. */
  close(): Promise<void>;
}

export async function startTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const log = options.log ?? pino({ level: 'silent' });
  const db = options.db ?? openDatabase({ path: ':memory:', encryptionKey: 'only in memory' });
  const runtime = { ...mockRuntime(), name: options.runtimeName ?? 'mock' };
  const crew = createCrew({
    db,
    runtime,
    connectBus: options.connectBus ?? connectOfflineBus,
    credentials: {},
    needsCredential: false,
    workspaceRoots: [],
    limits: agentLimitsSchema.parse({}),
    stream: { maxAgeMs: 60_000, maxBytes: 1_048_576 },
    deployTimeoutMs: options.deployTimeoutMs ?? 10_000,
    // No timer interferes with a test: who needs a pass asks for one.
    reconcileIntervalMs: 3_600_000,
    maxRestarts: options.maxRestarts ?? 10,
    agentSilenceTimeoutMs: 30_000,
    scheduleTimeoutMs: options.scheduleTimeoutMs ?? 60_000,
    maxScheduleRuns: options.maxScheduleRuns ?? 10,
    maxWebhookRuns: options.maxWebhookRuns ?? 20,
    postActions: { allowPrivate: [], maxConcurrent: 5, ...options.postActions },
    log,
  });
  const receivedFolder = mkdtempSync(join(tmpdir(), 'agentcrew-received-'));
  const app = await buildApp({
    crew,
    log,
    version: '1.2.3',
    corsOrigins: options.corsOrigins ?? ['*'],
    onLoopback: options.onLoopback ?? false,
    workspaceRoots: options.workspaceRoots ?? [],
    maxSockets: options.maxSockets ?? 4096,
    trustedProxies: options.trustedProxies ?? [],
    auth: { ...noSignIn(), ...options.auth },
    socketCheckMs: options.socketCheckMs ?? 3_600_000,
    receivedFolder,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;

  async function clear(): Promise<void> {
    for (const team of db.teams.all()) {
      if (team.status !== 'stopped') await crew.deployer.stop(team);
      await crew.deployer.remove(team);
    }
  }

  let closing: Promise<void> | undefined;
  async function end(): Promise<void> {
    await app.close();
    await crew.close();
    db[Symbol.dispose]();
    rmSync(receivedFolder, { recursive: true, force: true });
  }
  const close = () => {
    closing ??= end();
    return closing;
  };
  return {
    url,
    port,
    db,
    crew,
    runtime,
    client: createClient(url),
    routes: () => routesOf(app.printRoutes({ commonPrefix: false })),
    received: () => readdirSync(receivedFolder),
    sockets: () => app.websocketServer.clients,
    clear,
    close,
    [Symbol.asyncDispose]: close,
  };
}
