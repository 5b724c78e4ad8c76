import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from '../support/client.ts';
import { contents } from '../support/contents.ts';
import { expectError } from '../support/expect-error.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
/** A running team, so that requests get past the questions about its state. */
let id: string;
let agentId: string;
let before: ReturnType<typeof contents>;

beforeAll(async () => {
  app = await startTestApp();
  const team = await app.client.createRunningTeam();
  id = team.id;
  agentId = team.agents[1].id;
  before = contents(app.db);
});
afterAll(() => app.close());

interface Target {
  method: string;
  path: string;
  /** A body that is fine as it is. */
  body: Record<string, unknown>;
}

/** Every route that takes a body. */
const targets = (): Target[] => [
  { method: 'POST', path: '/api/teams', body: { name: 'new', agents: [{ name: 'a' }] } },
  { method: 'PUT', path: `/api/teams/${id}`, body: { description: 'new' } },
  { method: 'POST', path: `/api/teams/${id}/agents`, body: { name: 'new' } },
  { method: 'PUT', path: `/api/teams/${id}/agents/${agentId}`, body: { specialty: 'new' } },
  { method: 'POST', path: `/api/teams/${id}/chat`, body: { message: 'new' } },
  { method: 'PUT', path: '/api/settings', body: { key: 'NEW', value: 'new' } },
];

/** A 4xx in the error form, and nothing stored. */
function expectRefused(answer: Answer, ...statuses: number[]): void {
  expect(statuses.length > 0 ? statuses : [400]).toContain(answer.status);
  expectError(answer, answer.status, answer.body?.code ?? 'none');
  expect(contents(app.db)).toEqual(before);
}

async function everywhere(raw: string | Uint8Array<ArrayBuffer>, ...statuses: number[]): Promise<void> {
  for (const { method, path } of targets()) {
    expectRefused(await app.client.send(method, path, { raw }), ...statuses);
  }
}

describe('bodies that are no JSON object', () => {
  test.each([
    '{',
    '{"name":}',
    '{"name":"x"',
    "{'name':'x'}",
    '{"name":"x",}',
    '{name:"x"}',
    'undefined',
    'NaN',
    '"text"',
    '7',
    '-0',
    'true',
    'false',
    'null',
    '[]',
    '[{"name":"x"}]',
    '""',
    '{"name":"x"}{"name":"y"}',
    '{"name":"x"} trailing',
    '{"a":1e}',
    '{"name":"\\x41"}',
    '{"name":"line\nend"}',
    '\u0000',
    '<xml/>',
    'name=x&value=y',
  ])('%j', (raw) => everywhere(raw));

  test('bytes that are no text', () => everywhere(new Uint8Array([0xff, 0xfe, 0x00, 0x80, 0x7b])));

  test('text that is cut off within a character', async () => {
    const bytes = Buffer.from('{"name":"ü"}');
    await everywhere(new Uint8Array(bytes.subarray(0, 10)));
  });
});

describe('keys that would reach a prototype', () => {
  const attacks = (body: Record<string, unknown>): string[] => {
    const fine = JSON.stringify(body).slice(1, -1);
    return [
      `{"__proto__":{"admin":true},${fine}}`,
      `{"__proto__":null,${fine}}`,
      `{"\\u005f\\u005fproto\\u005f\\u005f":{"admin":true},${fine}}`,
      `{"constructor":{"prototype":{"admin":true}},${fine}}`,
      `{${fine},"permissions":{"__proto__":{"allowed_tools":["Bash"]}}}`,
      `{${fine},"mcp_servers":[{"name":"x","transport":"stdio","command":"c","env":{"__proto__":{"a":"b"}}}]}`,
      `{${fine},"anything":[[{"constructor":{"prototype":{}}}]]}`,
    ];
  };

  test('are refused everywhere', async () => {
    for (const { method, path, body } of targets()) {
      for (const raw of attacks(body)) expectRefused(await app.client.send(method, path, { raw }));
    }
    expect(({} as Record<string, unknown>).admin).toBeUndefined();
  });

  test('in a query or a path do no harm', async () => {
    for (const path of ['?__proto__[admin]=true', '?constructor.prototype.admin=1', '?__proto__=x']) {
      expect(await app.client.get(`/api/teams${path}`)).toMatchObject({ status: 200 });
    }
    expectError(await app.client.get('/api/teams/__proto__'), 404, 'TEAM_NOT_FOUND');
    expectError(await app.client.get(`/api/teams/${id}/agents/constructor`), 404, 'AGENT_NOT_FOUND');
    expectError(await app.client.delete('/api/settings/__proto__'), 404, 'SETTING_NOT_FOUND');
    expect(({} as Record<string, unknown>).admin).toBeUndefined();
  });
});

describe('nesting', () => {
  test('of a million levels is refused', async () => {
    const depth = 1_000_000;
    const raw = `{"name":"x","agents":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expectRefused(await app.client.send('POST', '/api/teams', { raw }));
  });

  test.each([100, 10_000])('of %d levels is refused everywhere', async (depth) => {
    await everywhere(`${'['.repeat(depth)}${']'.repeat(depth)}`);
    await everywhere(`{"name":"x","skills":${'['.repeat(depth)}${']'.repeat(depth)}}`);
    await everywhere(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);
    await everywhere('['.repeat(depth));
  });
});

describe('texts that cannot be kept as they are', () => {
  test.each([
    ['NUL', 'a\\u0000b'],
    ['half of a character', 'a\\ud800b'],
    ['the other half', '\\udc00'],
    ['halves in the wrong order', '\\udc00\\ud800'],
  ])('%s is refused in every text', async (_what, bad) => {
    for (const { method, path, body } of targets()) {
      for (const key of Object.keys(body).filter((one) => typeof body[one] === 'string')) {
        const raw = JSON.stringify({ ...body, [key]: 'HERE' }).replace('HERE', bad);
        expectRefused(await app.client.send(method, path, { raw }));
      }
      const inKey = `{${JSON.stringify(body).slice(1, -1)},"skills":[{"${bad}":1}]}`;
      expectRefused(await app.client.send(method, path, { raw: inKey }));
    }
  });
});

/** Values of every JSON type; a field must refuse those of types that are not its own. */
const values = { string: 'text', number: 7, fraction: 0.5, boolean: true, list: ['x'], object: { x: 'y' } };
type Kind = keyof typeof values;

describe('values of a wrong type', () => {
  const text: Kind[] = ['string'];
  const agent: Record<string, Kind[]> = {
    name: text,
    role: [],
    specialty: text,
    system_prompt: text,
    instructions_md: text,
    claude_md: text,
    skills: ['list'],
    permissions: ['object'],
    resources: ['object'],
    sub_agent_description: text,
    sub_agent_instructions: text,
    sub_agent_model: [],
    sub_agent_skills: ['list'],
  };
  const team: Record<string, Kind[]> = {
    name: text,
    description: text,
    provider: [],
    model_provider: text,
    workspace_path: [],
    agent_image: [],
    mcp_servers: [],
  };
  const fields: [string, (value: unknown) => [method: string, path: string, body: unknown], Record<string, Kind[]>][] =
    [
      ['a new team', (field) => ['POST', '/api/teams', field], { ...team, runtime: text, agents: [] }],
      ['a changed team', (field) => ['PUT', `/api/teams/${id}`, field], team],
      ['a new agent', (field) => ['POST', `/api/teams/${id}/agents`, field], agent],
      ['a changed agent', (field) => ['PUT', `/api/teams/${id}/agents/${agentId}`, field], agent],
      ['an agent of a new team', (field) => ['POST', '/api/teams', { name: 'x', agents: [field] }], agent],
      ['a message', (field) => ['POST', `/api/teams/${id}/chat`, field], { message: text }],
      ['a setting', (field) => ['PUT', '/api/settings', field], { key: text, value: text, is_secret: ['boolean'] }],
    ];

  test.each(fields)('are refused in every field of %s', async (_what, request, kinds) => {
    for (const [field, allowed] of Object.entries(kinds)) {
      for (const [kind, value] of Object.entries(values)) {
        if (allowed.includes(kind as Kind)) continue;
        const needed =
          field === 'name' || field === 'key' || field === 'value' ? {} : { name: 'x', key: 'K', value: 'v' };
        const [method, path, body] = request({ ...needed, [field]: value });
        expectRefused(await app.client.send(method, path, { body }));
      }
    }
  });

  test('are told with the name of the field', async () => {
    const answer = await app.client.post('/api/teams', { name: 'x', agents: [{ name: 'a' }, { name: 7 }] });
    expectError(answer, 400, 'INVALID_REQUEST', 'invalid request body: agents[1].name must be a string');
    expect(answer.body.details).toEqual([{ path: '/agents/1/name', message: 'must be a string' }]);
  });
});

describe('sizes', () => {
  test('a body of more than 51 MiB is 413', async () => {
    const raw = new Uint8Array(51 * 1024 * 1024 + 1).fill(0x20);
    await everywhere(raw, 413);
  });

  test('also when its length is not told beforehand', async () => {
    const chunk = new Uint8Array(1024 * 1024).fill(0x20);
    async function* body() {
      for (let n = 0; n < 52; n += 1) yield chunk;
    }
    const response = await fetch(`${app.url}/api/teams`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: body(),
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', error: expect.any(String) });
  });

  test('a body of 51 MiB is read, and its texts are refused by their own limits', async () => {
    const frame = '{"name":"x","description":""}';
    const text = 'x'.repeat(51 * 1024 * 1024 - frame.length);
    const raw = `{"name":"x","description":"${text}"}`;
    expectRefused(await app.client.send('POST', '/api/teams', { raw }));
  });

  test.each(['name', 'description', 'runtime', 'workspace_path', 'agent_image', 'model_provider'])(
    'a %s of 5 MB is refused',
    async (field) => {
      const body = { name: 'x', provider: 'opencode', [field]: 'x'.repeat(5_000_000) };
      expectRefused(await app.client.post('/api/teams', body));
      if (field !== 'runtime')
        expectRefused(await app.client.put(`/api/teams/${id}`, { ...body, name: undefined, [field]: body[field] }));
    },
  );

  test.each([
    'name',
    'specialty',
    'system_prompt',
    'instructions_md',
    'claude_md',
    'sub_agent_description',
    'sub_agent_instructions',
    'sub_agent_model',
  ])('an agent with a %s of 5 MB is refused', async (field) => {
    const text = 'x'.repeat(5_000_000);
    expectRefused(await app.client.post(`/api/teams/${id}/agents`, { name: 'x', [field]: text }));
    expectRefused(await app.client.put(`/api/teams/${id}/agents/${agentId}`, { [field]: text }));
  });

  test('lists and objects of 5 MB are refused', async () => {
    const many = Array.from({ length: 500_000 }, () => 'x');
    const skill = { repo_url: 'https://h/o/r', skill_name: 's' };
    for (const fields of [
      { skills: many },
      { skills: ['x'.repeat(5_000_000)] },
      { permissions: { allowed_tools: many } },
      { permissions: { filesystem_scope: 'x'.repeat(5_000_000) } },
      { sub_agent_skills: Array.from({ length: 1000 }, () => skill) },
      { sub_agent_skills: [{ ...skill, skill_name: 'x'.repeat(5_000_000) }] },
      { sub_agent_skills: [{ ...skill, repo_url: `https://h/${'x'.repeat(5_000_000)}` }] },
    ]) {
      expectRefused(await app.client.post(`/api/teams/${id}/agents`, { name: 'x', ...fields }));
    }
    const agents = Array.from({ length: 101 }, (_, n) => ({ name: `a${n}` }));
    expectRefused(await app.client.post('/api/teams', { name: 'x', agents }));
  });
});

test.each([
  ['GET', 'x'],
  ['PUT', 'x'],
  ['DELETE', 'x'],
  ['POST', 'x/deploy'],
  ['POST', 'x/stop'],
  ['POST', 'x/chat'],
  ['GET', 'x/messages'],
  ['GET', 'x/activity'],
  ['GET', 'x/agents'],
  ['POST', 'x/agents'],
  ['GET', 'x/agents/y'],
  ['PUT', 'x/agents/y'],
  ['DELETE', 'x/agents/y'],
])('%s /api/teams/%s of ids that are none', async (method, path) => {
  const ids = [
    '0',
    '-1',
    'null',
    'undefined',
    'NaN',
    '[object%20Object]',
    "'%20or%201=1--",
    '%F0%9F%98%80',
    '%00',
    '%2e%2e%2f',
    `${id}x`,
    '*',
  ];
  for (const one of ids) {
    const options = method === 'PUT' || method === 'POST' ? { body: { name: 'x', message: 'x' } } : {};
    const answer = await app.client.send(method, `/api/teams/${path.replace('x', one)}`, options);
    expectError(answer, 404, 'TEAM_NOT_FOUND', 'team not found');
  }
  expect(contents(app.db)).toEqual(before);
});
