import { STATUS_CODES } from 'node:http';
import fastifySwagger from '@fastify/swagger';
import scalar from '@scalar/fastify-api-reference';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';

type Json = Record<string, unknown>;

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
        { name: 'mcp', description: 'MCP servers that the agents of a team work with' },
        { name: 'chat', description: 'Talking to agents, and what was said and done' },
        { name: 'approvals', description: 'What agents ask a person, and the answers' },
        { name: 'control', description: 'What running agents do, and how to end it' },
        { name: 'usage', description: 'What was spent' },
        { name: 'settings', description: 'Credentials and environment of the agents' },
        { name: 'auth', description: 'Who is asking' },
        { name: 'operations', description: 'Health and metrics' },
      ],
    },
    transform: jsonSchemaTransform,
    transformObject: (input) => tidied(jsonSchemaTransformObject(input) as unknown as Document) as never,
  });

  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  await app.register(scalar, {
    routePrefix: '/docs',
    // What would send the document, or the reader, to the maker of the page stays off.
    configuration: {
      url: '/openapi.json',
      withDefaultFonts: false,
      telemetry: false,
      hideClientButton: true,
      showDeveloperTools: 'never',
      agent: { disabled: true },
      mcp: { disabled: true },
    },
  });
});

interface Document {
  paths: Record<string, Record<string, { responses: Record<string, { description: string }> }>>;
  components: { schemas: Record<string, Json> };
}

/** Says what each status means, and leaves out schemas that nothing refers to (all are made for both directions). */
function tidied(document: Document): Document {
  const answers = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  for (const { responses } of answers) {
    for (const [status, response] of Object.entries(responses)) response.description = STATUS_CODES[status] ?? status;
  }
  const { schemas } = document.components;
  const used = new Set(referred(document.paths));
  for (const name of used) for (const other of referred(schemas[name])) used.add(other);
  for (const name of Object.keys(schemas)) if (!used.has(name)) delete schemas[name];
  return document;
}

/** Names of the schemas that a part of the document refers to. */
function referred(part: unknown): string[] {
  return [...JSON.stringify(part).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name ?? '');
}
