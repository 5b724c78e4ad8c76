import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Send } from '../support/client.ts';
import { createRandom, type Random } from '../support/random.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

interface Operation {
  method: string;
  path: string;
  query: string[];
  fields: string[];
}

let app: TestApp;
let operations: Operation[];
let ids: { team: string; agent: string; action: string };

beforeAll(async () => {
  app = await startTestApp();
  const { body } = await app.client.get('/openapi.json');
  const fieldsOf = (schema: { $ref?: string } | undefined): string[] => {
    const name = schema?.$ref?.split('/').at(-1) ?? '';
    return Object.keys(body.components.schemas[name]?.properties ?? {});
  };
  operations = Object.entries(body.paths).flatMap(([path, methods]) =>
    // biome-ignore lint/suspicious/noExplicitAny: a document of OpenAPI
    Object.entries(methods as Record<string, any>).map(([method, { parameters = [], requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      query: parameters.filter((one: { in: string }) => one.in === 'query').map((one: { name: string }) => one.name),
      fields: fieldsOf(requestBody?.content['application/json'].schema),
    })),
  );
  const team = await app.client.createRunningTeam();
  const action = await app.client.post('/api/post-actions', { name: 'fuzz', url: 'https://example.org' });
  ids = { team: team.id, agent: team.agents[0].id, action: action.body.id };
});
afterAll(() => app.close());

const texts = [
  '',
  ' ',
  'x',
  'a b',
  '0',
  '-1',
  'null',
  '../..',
  '%00',
  'ü',
  '😀',
  'x'.repeat(300),
  '<b>',
  "'",
  '"',
  '\\',
  '\u0007',
  '\u0000',
  '\ud800',
];
const numbers = [0, -1, 1, 0.5, 1e308, -1e308, 2 ** 53, 5e-324];
const keys = [
  'name',
  'x',
  '',
  'length',
  'toString',
  'hasOwnProperty',
  'agents',
  'transport',
  'url',
  'env',
  'repo_url',
  'memory',
  'allowed_tools',
];

function value(random: Random, depth = 0): unknown {
  const kind = random.next(depth > 3 ? 5 : 8);
  if (kind <= 1) return random.pick(texts);
  if (kind === 2) return random.pick(numbers);
  if (kind === 3) return random.next(2) === 0;
  if (kind === 4) return null;
  if (kind === 5) return Array.from({ length: random.next(4) }, () => value(random, depth + 1));
  return Object.fromEntries(
    Array.from({ length: random.next(4) }, () => [random.pick(keys), value(random, depth + 1)]),
  );
}

function body(random: Random, fields: string[]): unknown {
  if (fields.length === 0 || random.next(8) === 0) return value(random);
  const chosen = fields.filter(() => random.next(3) > 0);
  return Object.fromEntries(
    chosen.map((field) => [field, random.next(4) === 0 ? `n${random.next(1000)}` : value(random)]),
  );
}

/** JSON, at times with a part of it damaged. */
function damaged(random: Random, json: string): string {
  if (random.next(6) > 0) return json;
  const at = random.next(json.length + 1);
  return (
    json.slice(0, at) +
    random.pick(['', '{', '}', '"', ',', '\u0000', '[', '\\u12', 'x']) +
    json.slice(at + random.next(3))
  );
}

function pathOf(random: Random, { method, path, query }: Operation): string {
  // A team that runs is not deleted; an action would be.
  const id = path.startsWith('/api/post-actions') && method !== 'DELETE' ? ids.action : ids.team;
  const filled = path
    .replace('{id}', random.next(4) > 0 ? id : encodeURIComponent(random.pick(texts).toWellFormed() || 'x'))
    .replace('{agentId}', random.next(2) > 0 ? ids.agent : 'x')
    .replace('{key}', encodeURIComponent(random.pick(texts).toWellFormed() || 'x'));
  const parts = query
    .filter(() => random.next(2) === 0)
    .map((name) => `${name}=${encodeURIComponent(random.pick(texts).toWellFormed())}`);
  return parts.length === 0 ? filled : `${filled}?${parts.join('&')}`;
}

test('no request that a client could make up is answered with a 5xx or without the error form', async () => {
  const random = createRandom(20_261_122);
  expect(operations.length).toBeGreaterThan(20);
  for (let round = 0; round < 60; round += 1) {
    const requests = operations.map((operation) => {
      const options: Send = {};
      if (operation.method !== 'GET' && random.next(5) > 0)
        options.raw = damaged(random, JSON.stringify(body(random, operation.fields)) ?? '');
      return { method: operation.method, path: pathOf(random, operation), options };
    });
    const answers = await Promise.all(
      requests.map(async (request) => ({
        request,
        answer: await app.client.send(request.method, request.path, request.options),
      })),
    );
    for (const { request, answer } of answers) {
      expect({ request, status: answer.status, text: answer.status < 500 || answer.text }).toMatchObject({
        status: expect.toSatisfy((status: number) => status >= 200 && status < 500),
      });
      if (answer.status < 400) continue;
      expect(answer.body).toMatchObject({
        error: expect.any(String),
        code: expect.stringMatching(/^[A-Z_]+$/),
        request_id: expect.any(String),
      });
    }
  }
  expect(await app.client.get('/health')).toMatchObject({ status: 200 });
  expect(await app.client.get('/api/teams')).toMatchObject({ status: 200 });
  expect(await app.client.get('/api/settings')).toMatchObject({ status: 200 });
});
