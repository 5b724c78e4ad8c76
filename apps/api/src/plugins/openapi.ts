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
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'An access token or an API key; not needed with `AUTH_PROVIDER=noop`',
          },
        },
      },
      security: [{ bearer: [] }],
      tags: [
        { name: 'teams', description: 'Teams and their life cycle' },
        { name: 'agents', description: 'Members of a team' },
        { name: 'mcp', description: 'MCP servers that the agents of a team work with' },
        { name: 'chat', description: 'Talking to agents, and what was said and done' },
        { name: 'files', description: 'Files of the workspace' },
        { name: 'approvals', description: 'What agents ask a person, and the answers' },
        { name: 'control', description: 'What running agents do, and how to end it' },
        { name: 'schedules', description: 'Prompts that teams get by the clock' },
        { name: 'webhooks', description: 'Prompts that programs elsewhere send to teams' },
        { name: 'post-actions', description: 'HTTP requests that follow the runs of schedules and webhooks' },
        { name: 'usage', description: 'What was spent' },
        { name: 'settings', description: 'Credentials and environment of the agents' },
        { name: 'auth', description: 'Who is asking' },
        { name: 'organization', description: 'Members of an organisation, and who is to become one' },
        { name: 'operations', description: 'Health and metrics' },
      ],
    },
    transform: transformed,
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

type Transform = typeof jsonSchemaTransform;

/** Also describes bodies of several content types, which the library leaves to us. */
function transformed(document: Parameters<Transform>[0]): ReturnType<Transform> {
  const { content } = (document.schema?.body ?? {}) as { content?: Record<string, { schema: unknown }> };
  if (!content) return jsonSchemaTransform(document);
  const withBody = (body: unknown) => jsonSchemaTransform({ ...document, schema: { ...document.schema, body } });
  const bodies = Object.entries(content).map(([type, { schema }]) => [type, { schema: withBody(schema).schema.body }]);
  const { schema, url } = withBody(undefined);
  return { schema: { ...schema, body: { content: Object.fromEntries(bodies) } }, url };
}

interface Operation {
  security?: unknown[];
  responses: Record<string, { description: string; content?: Json }>;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Json> };
}

const unauthenticated = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } };

/** Says what each status means and where strangers are refused, and leaves out schemas that nothing refers to (all are made for both directions). */
function tidied(document: Document): Document {
  const answers = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  for (const { security, responses } of answers) {
    if (!security) responses['401'] ??= { description: '', content: unauthenticated };
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
