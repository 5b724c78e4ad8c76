import fastifySwagger from '@fastify/swagger';
import scalar from '@scalar/fastify-api-reference';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';

export interface OpenApiOptions {
  version: string;
}

/** `/openapi.json`, made from the routes' schemas, and `/docs`, a page that shows it (served whole from here). */
export const openApi = fp(async (app: FastifyInstance, { version }: OpenApiOptions) => {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'AgentCrew API',
        version,
        description:
          'Runs teams of Claude Code agents. WebSockets: `/ws/teams/{id}/activity?since=<seq>` (message rows, replayed from `since`, then live), ' +
          '`/ws/teams/{id}/logs` and `/ws/teams/{id}/logs/{agentId}` (log lines).',
        license: { name: 'MIT' },
      },
      tags: [
        { name: 'teams', description: 'Teams and their life cycle' },
        { name: 'agents', description: 'Members of a team' },
        { name: 'chat', description: 'Talking to the leader, and what was said and done' },
        { name: 'settings', description: 'Credentials and environment of the agents' },
        { name: 'auth', description: 'Who is asking' },
        { name: 'operations', description: 'Health and metrics' },
      ],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });

  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  await app.register(scalar, {
    routePrefix: '/docs',
    configuration: { url: '/openapi.json', withDefaultFonts: false, telemetry: false, hideClientButton: true },
  });
});
