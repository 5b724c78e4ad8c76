import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/test-app.ts';

type Json = Record<string, unknown>;
interface Operation {
  tags?: string[];
  summary?: string;
  security?: unknown[];
  parameters?: { name: string; in: string; required?: boolean; schema: Json }[];
  requestBody?: { content: Record<string, { schema: Json }> };
  responses: Record<string, { description?: string; content?: Record<string, { schema: Json }> }>;
}

let app: TestApp;
let document: {
  openapi: string;
  info: Json;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Json> };
  tags: { name: string }[];
};

beforeAll(async () => {
  app = await startTestApp();
  const { status, body } = await app.client.get('/openapi.json');
  expect(status).toBe(200);
  document = body;
});
afterAll(() => app.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      path,
      operation,
    })),
  );

test('is a document of OpenAPI 3.1 for this version of the server', () => {
  expect(document.openapi).toMatch(/^3\.1\.\d+$/);
  expect(document.info).toMatchObject({ title: 'AgentCrew API', version: '1.2.3' });
});

test('has exactly the routes that there are', () => {
  expect(
    operations()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(
    [
      'GET /health',
      'GET /ready',
      'GET /metrics',
      'GET /api/auth/config',
      'POST /api/auth/login',
      'POST /api/auth/register',
      'POST /api/auth/register/invite',
      'GET /api/auth/invite/{token}',
      'POST /api/auth/refresh',
      'POST /api/auth/logout',
      'GET /api/auth/me',
      'PUT /api/auth/me',
      'PUT /api/auth/me/password',
      'POST /api/auth/ws-ticket',
      'GET /api/auth/keys',
      'POST /api/auth/keys',
      'DELETE /api/auth/keys/{id}',
      'GET /api/org',
      'PUT /api/org',
      'GET /api/org/members',
      'PUT /api/org/members/{id}/role',
      'POST /api/org/members/{id}/reset-password',
      'DELETE /api/org/members/{id}',
      'GET /api/org/invites',
      'POST /api/org/invites',
      'DELETE /api/org/invites/{id}',
      'GET /api/teams',
      'POST /api/teams',
      'GET /api/teams/{id}',
      'PUT /api/teams/{id}',
      'DELETE /api/teams/{id}',
      'POST /api/teams/{id}/deploy',
      'POST /api/teams/{id}/stop',
      'GET /api/teams/{id}/agents',
      'POST /api/teams/{id}/agents',
      'GET /api/teams/{id}/agents/{agentId}',
      'PUT /api/teams/{id}/agents/{agentId}',
      'DELETE /api/teams/{id}/agents/{agentId}',
      'GET /api/teams/{id}/agents/{agentId}/instructions',
      'PUT /api/teams/{id}/agents/{agentId}/instructions',
      'GET /api/teams/{id}/agents/{agentId}/status',
      'POST /api/teams/{id}/agents/{agentId}/interrupt',
      'POST /api/teams/{id}/agents/{agentId}/restart',
      'POST /api/teams/{id}/agents/{agentId}/skills/install',
      'POST /api/teams/{id}/interrupt',
      'GET /api/teams/{id}/mcp',
      'PUT /api/teams/{id}/mcp',
      'POST /api/teams/{id}/mcp/servers',
      'DELETE /api/teams/{id}/mcp/servers/{serverName}',
      'GET /api/teams/{id}/approvals',
      'GET /api/teams/{id}/approvals/{approvalId}',
      'POST /api/teams/{id}/approvals/{approvalId}',
      'POST /api/teams/{id}/chat',
      'GET /api/teams/{id}/files',
      'GET /api/teams/{id}/files/content',
      'GET /api/teams/{id}/messages',
      'GET /api/teams/{id}/activity',
      'GET /api/settings',
      'PUT /api/settings',
      'DELETE /api/settings/{key}',
      'GET /api/usage',
      'GET /api/schedules/config',
      'GET /api/schedules',
      'POST /api/schedules',
      'GET /api/schedules/{id}',
      'PUT /api/schedules/{id}',
      'DELETE /api/schedules/{id}',
      'PATCH /api/schedules/{id}/toggle',
      'GET /api/schedules/{id}/runs',
      'GET /api/schedules/{id}/runs/{runId}',
      'GET /api/schedules/{id}/post-actions',
      'GET /api/webhooks',
      'POST /api/webhooks',
      'GET /api/webhooks/{id}',
      'PUT /api/webhooks/{id}',
      'DELETE /api/webhooks/{id}',
      'PATCH /api/webhooks/{id}/toggle',
      'POST /api/webhooks/{id}/regenerate',
      'GET /api/webhooks/{id}/runs',
      'GET /api/webhooks/{id}/runs/{runId}',
      'GET /api/webhooks/{id}/post-actions',
      'POST /webhook/trigger/{token}',
      'GET /api/post-actions',
      'POST /api/post-actions',
      'GET /api/post-actions/{id}',
      'PUT /api/post-actions/{id}',
      'DELETE /api/post-actions/{id}',
      'POST /api/post-actions/{id}/bindings',
      'PUT /api/post-actions/{id}/bindings/{bindingId}',
      'DELETE /api/post-actions/{id}/bindings/{bindingId}',
      'GET /api/post-actions/{id}/runs',
    ].sort(),
  );
});

const ofFile = (name: string) => name === 'GET /api/teams/{id}/files/content';

describe('every operation', () => {
  test('has a summary and a tag that is described', () => {
    const known = document.tags.map(({ name }) => name);
    for (const { name, operation } of operations()) {
      expect({ name, summary: operation.summary }).toEqual({ name, summary: expect.stringMatching(/\S/) });
      expect(known).toEqual(expect.arrayContaining(operation.tags ?? ['none']));
    }
  });

  test('declares the parameters of its path', () => {
    for (const { name, path, operation } of operations()) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect({ name, parameters: declared.map((parameter) => parameter.name) }).toEqual({ name, parameters: inPath });
      for (const { required, schema } of declared)
        expect({ required, schema }).toMatchObject({ required: true, schema: { type: 'string' } });
    }
  });

  test('has a body where one is needed, and nowhere else', () => {
    const withBody = operations().filter(({ operation }) => operation.requestBody);
    expect(withBody.map(({ name }) => name).sort()).toEqual([
      'POST /api/auth/keys',
      'POST /api/auth/login',
      'POST /api/auth/refresh',
      'POST /api/auth/register',
      'POST /api/auth/register/invite',
      'POST /api/org/invites',
      'POST /api/post-actions',
      'POST /api/post-actions/{id}/bindings',
      'POST /api/schedules',
      'POST /api/teams',
      'POST /api/teams/{id}/agents',
      'POST /api/teams/{id}/agents/{agentId}/skills/install',
      'POST /api/teams/{id}/approvals/{approvalId}',
      'POST /api/teams/{id}/chat',
      'POST /api/teams/{id}/mcp/servers',
      'POST /api/webhooks',
      'POST /webhook/trigger/{token}',
      'PUT /api/auth/me',
      'PUT /api/auth/me/password',
      'PUT /api/org',
      'PUT /api/org/members/{id}/role',
      'PUT /api/post-actions/{id}',
      'PUT /api/post-actions/{id}/bindings/{bindingId}',
      'PUT /api/schedules/{id}',
      'PUT /api/settings',
      'PUT /api/teams/{id}',
      'PUT /api/teams/{id}/agents/{agentId}',
      'PUT /api/teams/{id}/agents/{agentId}/instructions',
      'PUT /api/teams/{id}/mcp',
      'PUT /api/webhooks/{id}',
    ]);
    for (const { operation } of withBody) {
      expectObject(operation.requestBody?.content['application/json']?.schema);
    }
  });

  test('says what it answers', () => {
    for (const { name, operation } of operations()) {
      const successes = Object.keys(operation.responses).filter((status) => /^2(?!06)/.test(status));
      // Asked to wait, or not.
      const expected = name === 'POST /webhook/trigger/{token}' ? ['200', '202'] : [expect.any(String)];
      expect({ name, successes }).toEqual({ name, successes: expected });
      for (const [status, { content, description }] of Object.entries(operation.responses)) {
        expect(typeof description).toBe('string');
        const type = ofFile(name) && status.startsWith('2') ? 'application/octet-stream' : 'application/json';
        if (['204', '304'].includes(status)) expect({ name, content }).toEqual({ name, content: undefined });
        else if (name === 'GET /metrics' && status === '200')
          expect(Object.keys(content ?? {})).toEqual(['text/plain']);
        else expectSchema(`${name} ${status}`, content?.[type]?.schema);
      }
    }
  });

  test('says whether it needs sign-in', () => {
    const open = operations().filter(({ operation }) => operation.security?.length === 0);
    expect(open.map(({ name }) => name).sort()).toEqual([
      'GET /api/auth/config',
      'GET /api/auth/invite/{token}',
      'GET /health',
      'GET /ready',
      'POST /api/auth/login',
      'POST /api/auth/refresh',
      'POST /api/auth/register',
      'POST /api/auth/register/invite',
      'POST /webhook/trigger/{token}',
    ]);
    for (const { name, operation } of operations().filter(({ operation }) => operation.security === undefined))
      expect({ name, statuses: Object.keys(operation.responses) }).toMatchObject({
        statuses: expect.arrayContaining(['401']),
      });
  });

  test('that is about a team says that the team may be unknown', () => {
    for (const { name, path, operation } of operations()) {
      if (path.includes('{'))
        expect({ name, statuses: Object.keys(operation.responses) }).toEqual({
          name,
          statuses: expect.arrayContaining(['404']),
        });
    }
  });
});

test('lists take limit, before, after and types', () => {
  for (const path of ['messages', 'activity']) {
    const { parameters = [] } = document.paths[`/api/teams/{id}/${path}`]?.get ?? {};
    const query = parameters.filter((parameter) => parameter.in === 'query');
    expect(query.map(({ name }) => name).sort()).toEqual(['after', 'before', 'limit', 'types']);
    for (const { name, required, schema } of query) {
      expect({ name, required: required ?? false }).toEqual({ name, required: false });
      expectSchema(name, schema);
    }
  }
});

test('the chat needs a message of at least one character', () => {
  const body = document.paths['/api/teams/{id}/chat']?.post?.requestBody?.content['application/json']?.schema;
  expect(expectObject(body)).toMatchObject({
    properties: { message: { type: 'string', minLength: 1 } },
    required: ['message'],
  });
});

test('the chat takes a form with files too', () => {
  const { content } = document.paths['/api/teams/{id}/chat']?.post?.requestBody ?? { content: {} };
  expect(Object.keys(content)).toEqual(['application/json', 'multipart/form-data']);
  expect(expectObject(content['multipart/form-data']?.schema)).toMatchObject({
    properties: {
      message: { type: 'string', minLength: 1 },
      files: { type: 'array', maxItems: 5, items: { type: 'string', format: 'binary' } },
    },
    required: ['message'],
  });
});

test('references lead somewhere, and no schema says nothing', () => {
  const references: string[] = [];
  walk(document, (node) => {
    if (typeof node.$ref === 'string') references.push(node.$ref);
  });
  expect(references.length).toBeGreaterThan(10);
  for (const reference of references) expect(resolved({ $ref: reference })).toBeDefined();
  for (const [name, schema] of Object.entries(document.components.schemas)) expectSchema(name, schema);
});

test('fields of unknown form are exactly those that are kept as they came', () => {
  const open: string[] = [];
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    for (const [field, property] of Object.entries((schema.properties ?? {}) as Record<string, Json>)) {
      const { description: _, ...rules } = property;
      if (Object.keys(rules).length === 0) open.push(`${name}.${field}`);
    }
  }
  expect(open.sort()).toEqual(['Error.details']);
});

function resolved(schema: Json | undefined): Json | undefined {
  const reference = schema?.$ref;
  if (typeof reference !== 'string') return schema;
  expect(reference).toMatch(/^#\/components\/schemas\/\w+$/);
  return document.components.schemas[reference.split('/').at(-1) ?? ''];
}

function expectObject(schema: Json | undefined): Json {
  const object = resolved(schema);
  expect(object).toMatchObject({ type: 'object', properties: expect.anything() });
  return object ?? {};
}

/** A schema that says something. */
function expectSchema(what: string, schema: Json | undefined): void {
  const meaning = ['type', 'anyOf', 'oneOf', 'allOf', 'enum', 'const'];
  expect({ what, keys: Object.keys(resolved(schema) ?? {}).filter((key) => meaning.includes(key)) }).not.toEqual({
    what,
    keys: [],
  });
}

function walk(node: unknown, visit: (object: Json) => void): void {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node)) visit(node as Json);
  for (const child of Object.values(node)) walk(child, visit);
}

describe('the reference page', () => {
  test('is a page that loads nothing from elsewhere', async () => {
    const { status, headers, text } = await app.client.get('/docs');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^text\/html/);
    expect(text).toContain('/openapi.json');
    const sources = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source ?? '');
    expect(sources.length).toBeGreaterThan(0);
    for (const source of sources) expect(source).not.toMatch(/^(https?:)?\/\//);
    for (const source of sources.filter((one) => one.endsWith('.js'))) {
      const script = await fetch(new URL(source, `${app.url}/docs/`));
      expect({ source, status: script.status }).toEqual({ source, status: 200 });
      expect((await script.text()).length).toBeGreaterThan(10_000);
    }
  });
});
