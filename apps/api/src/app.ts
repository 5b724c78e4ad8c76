import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import type { Crew } from './crew/crew.ts';
import { errorAnswers, refuseBroken, refuseUnroutable } from './plugins/errors.ts';
import { identity } from './plugins/identity.ts';
import { jsonBody } from './plugins/json-body.ts';
import { metrics } from './plugins/metrics.ts';
import { notFound } from './plugins/not-found.ts';
import { openApi } from './plugins/openapi.ts';
import { origins } from './plugins/origins.ts';
import { teamLookup } from './plugins/team-lookup.ts';
import { agentRoutes } from './routes/agents.ts';
import { approvalRoutes } from './routes/approvals.ts';
import { authRoutes } from './routes/auth.ts';
import { chatRoutes } from './routes/chat.ts';
import { controlRoutes } from './routes/control.ts';
import { instructionRoutes } from './routes/instructions.ts';
import { mcpRoutes } from './routes/mcp.ts';
import { messageRoutes } from './routes/messages.ts';
import { operationRoutes } from './routes/operations.ts';
import { settingRoutes } from './routes/settings.ts';
import { skillRoutes } from './routes/skills.ts';
import { teamRoutes } from './routes/teams.ts';
import { usageRoutes } from './routes/usage.ts';
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
  const app = Fastify({
    loggerInstance: options.log as FastifyBaseLogger,
    bodyLimit,
    genReqId: () => randomUUID(),
    requestIdHeader: 'x-request-id',
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
  await app.register(identity);
  await app.register(jsonBody);
  await app.register(teamLookup, { db: crew.db });
  await app.register(openApi, { version: options.version });
  await app.register(metrics, { crew, openSockets: app.openSockets });

  await app.register(operationRoutes, { crew });
  await app.register(authRoutes);
  await app.register(teamRoutes, {
    crew,
    workspaceRoots: options.workspaceRoots,
    // Clients know no `mock`: a team of the test server looks like any other.
    defaultRuntime: crew.runtime.name === 'mock' ? 'docker' : crew.runtime.name,
  });
  await app.register(agentRoutes, { crew });
  await app.register(instructionRoutes, { crew });
  await app.register(mcpRoutes, { crew });
  await app.register(skillRoutes, { crew });
  await app.register(chatRoutes, { crew });
  await app.register(messageRoutes, { crew });
  await app.register(approvalRoutes, { crew });
  await app.register(controlRoutes, { crew });
  await app.register(settingRoutes, { crew });
  await app.register(usageRoutes, { crew });
  await app.register(activitySocket, { crew });
  await app.register(logSockets, { crew });
  return app;
}
