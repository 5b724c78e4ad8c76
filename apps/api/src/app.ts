import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import { type AuthOptions, createAuth, noSignIn } from './auth/auth.ts';
import type { Crew } from './crew/crew.ts';
import { errorAnswers, refuseBroken, refuseUnroutable } from './plugins/errors.ts';
import { identity } from './plugins/identity.ts';
import { jsonBody } from './plugins/json-body.ts';
import { limits } from './plugins/limit.ts';
import { metrics } from './plugins/metrics.ts';
import { notFound } from './plugins/not-found.ts';
import { openApi } from './plugins/openapi.ts';
import { origins } from './plugins/origins.ts';
import { socketGuard } from './plugins/socket-guard.ts';
import { teamLookup } from './plugins/team-lookup.ts';
import { agentRoutes } from './routes/agents.ts';
import { apiKeyRoutes } from './routes/api-keys.ts';
import { approvalRoutes } from './routes/approvals.ts';
import { authRoutes } from './routes/auth.ts';
import { chatRoutes } from './routes/chat.ts';
import { controlRoutes } from './routes/control.ts';
import { fileRoutes } from './routes/files.ts';
import { instructionRoutes } from './routes/instructions.ts';
import { inviteRoutes } from './routes/invites.ts';
import { mcpRoutes } from './routes/mcp.ts';
import { meRoutes } from './routes/me.ts';
import { memberRoutes } from './routes/members.ts';
import { messageRoutes } from './routes/messages.ts';
import { operationRoutes } from './routes/operations.ts';
import { orgRoutes } from './routes/org.ts';
import { postActionRoutes } from './routes/post-actions.ts';
import { scheduleRoutes } from './routes/schedules.ts';
import { settingRoutes } from './routes/settings.ts';
import { skillRoutes } from './routes/skills.ts';
import { teamRoutes } from './routes/teams.ts';
import { usageRoutes } from './routes/usage.ts';
import { webhookTriggerRoutes } from './routes/webhook-trigger.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { wordRules } from './validation-message.ts';
import { activitySocket } from './websocket/activity.ts';
import { logSockets } from './websocket/logs.ts';
import { sockets } from './websocket/sockets.ts';

export interface AppOptions {
  crew: Crew;
  log: Logger;
  version: string;
  corsOrigins: string[];
  /** Whether only this machine can reach the server. */
  onLoopback: boolean;
  workspaceRoots: string[];
  maxSockets: number;
  /** Addresses and networks of reverse proxies whose `X-Forwarded-For` counts. */
  trustedProxies?: string[];
  /** Absent: nobody is asked who they are. */
  auth?: AuthOptions;
  /** How often it is looked whether open WebSockets may stay; default 15 s. */
  socketCheckMs?: number;
  /** An existing folder, where files that clients send wait until they are in a workspace. */
  receivedFolder: string;
}

/** Bodies may be as large as the largest upload; the limits of single fields are smaller. */
const bodyLimit = 51 * 1024 * 1024;

function isWebSocket(upgrade: string | undefined): boolean {
  return upgrade?.toLowerCase() === 'websocket';
}

/** The HTTP and WebSocket face of a crew; not listening yet. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { crew } = options;
  wordRules();
  const auth = createAuth(crew.db, options.log, options.auth ?? noSignIn());
  const app = Fastify({
    loggerInstance: options.log as FastifyBaseLogger,
    bodyLimit,
    genReqId: () => randomUUID(),
    requestIdHeader: 'x-request-id',
    trustProxy: options.trustedProxies?.length ? options.trustedProxies : false,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    // An upgrade that is not on offer (a client's h2c, a WebSocket elsewhere) is ignored, as RFC 9110 wants it.
    http: {
      shouldUpgradeCallback: ({ headers, url }) => isWebSocket(headers.upgrade) && /^\/ws(\/|$)/i.test(url ?? ''),
    },
    frameworkErrors: refuseUnroutable,
    clientErrorHandler: refuseBroken,
    routerOptions: { caseSensitive: false, ignoreTrailingSlash: true, maxParamLength: 4096 },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
  });

  await app.register(errorAnswers);
  await app.register(notFound);
  // Before whatever refuses requests: only then it ends the connection of an upgrade that was refused.
  await app.register(sockets, { maxClients: options.maxSockets });
  await app.register(origins, { allowed: options.corsOrigins, onLoopback: options.onLoopback });
  await app.register(identity, { auth });
  await app.register(socketGuard, { auth, everyMs: options.socketCheckMs ?? 15_000 });
  await app.register(limits);
  await app.register(jsonBody);
  await app.register(teamLookup, { db: crew.db });
  await app.register(openApi, { version: options.version });
  await app.register(metrics, { crew, openSockets: app.openSockets });

  await app.register(operationRoutes, { crew, auth, onLoopback: options.onLoopback });
  for (const routes of [authRoutes, meRoutes, orgRoutes, memberRoutes, inviteRoutes, apiKeyRoutes])
    await app.register(routes, { crew, auth });
  await app.register(teamRoutes, {
    crew,
    workspaceRoots: options.workspaceRoots,
    // Clients know no `mock`: a team of the test server looks like any other.
    defaultRuntime: crew.runtime.name === 'mock' ? 'docker' : crew.runtime.name,
  });
  await app.register(agentRoutes, { crew });
  await app.register(chatRoutes, { crew, receivedFolder: options.receivedFolder });
  await app.register(fileRoutes, { crew });
  await app.register(instructionRoutes, { crew });
  await app.register(mcpRoutes, { crew });
  await app.register(skillRoutes, { crew });
  await app.register(messageRoutes, { crew });
  await app.register(approvalRoutes, { crew });
  await app.register(controlRoutes, { crew });
  await app.register(settingRoutes, { crew });
  await app.register(usageRoutes, { crew });
  await app.register(scheduleRoutes, { crew });
  await app.register(webhookRoutes, { crew });
  await app.register(webhookTriggerRoutes, { crew });
  await app.register(postActionRoutes, { crew });
  await app.register(activitySocket, { crew });
  await app.register(logSockets, { crew });
  return app;
}
