import { randomUUID } from 'node:crypto';
import type { Envelope } from '@agentcrew/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { approvalRequest, question } from '../support/approvals.ts';
import { expectError } from '../support/expect-error.ts';
import { createFakeBuses } from '../support/fake-bus.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const buses = createFakeBuses();
let app: TestApp;
let team: { id: string; slug: string; agents: { id: string }[] };
beforeAll(async () => {
  app = await startTestApp({ connectBus: buses.connectBus });
});
beforeEach(async () => {
  team = await app.client.createRunningTeam();
});
afterEach(() => app.clear());
afterAll(() => app.close());

async function ask(request: Envelope = approvalRequest()): Promise<string> {
  const settled = await buses.of(team.slug).deliver(request, { kind: 'approval' });
  await settled.done;
  return request.message_id;
}

const path = (id = '') => `/api/teams/${team.id}/approvals${id && `/${id}`}`;
const decide = (id: string, body: unknown) => app.client.post(path(id), body);

test('is shown as it was asked, and as it was decided', async () => {
  const id = await ask();
  const asked = {
    id,
    team_id: team.id,
    agent: 'Lead',
    message_id: 'm1',
    type: 'tool',
    tool: 'Bash',
    input: { command: 'npm test' },
    questions: null,
    reason: 'npm test',
    status: 'pending',
    scope: null,
    message: '',
    updated_input: null,
    created_at: expect.any(String),
    expires_at: expect.any(String),
    decided_at: null,
    delivered_at: null,
  };
  expect(await app.client.get(path(id))).toMatchObject({ status: 200, body: asked });
  expect((await app.client.get(path())).body).toEqual([asked]);
  const decided = { ...asked, status: 'denied', scope: 'once', message: 'no' };
  const answer = await decide(id, {
    decision: 'deny',
    scope: 'always',
    message: 'no',
    updated_input: { command: 'x' },
  });
  expect(answer).toMatchObject({
    status: 200,
    body: { ...decided, decided_at: expect.any(String), delivered_at: expect.any(String) },
  });
  expect((await app.client.get(path())).body).toEqual([answer.body]);
});

test('lists by status, newest first, page by page', async () => {
  const ids = [await ask(), await ask(), await ask()];
  await decide(ids[1] ?? '', { decision: 'allow' });
  const list = async (query: string) =>
    (await app.client.get(`${path()}?${query}`)).body.map(({ id }: { id: string }) => ids.indexOf(id));
  expect(await list('')).toEqual([2, 1, 0]);
  expect(await list('status=pending')).toEqual([2, 0]);
  expect(await list('status=pending&limit=1')).toEqual([2]);
  expect(await list(`before=${ids[2]}`)).toEqual([1, 0]);
  expect(await list('before=2020-01-01T00:00:00Z')).toEqual([]);
  expect(await list(`before=${randomUUID()}`)).toEqual([]);
  for (const query of ['status=open', 'limit=0', 'limit=x', 'before=yesterday'])
    expectError(await app.client.get(`${path()}?${query}`), 400, 'INVALID_REQUEST');
});

test('is found in its own team only', async () => {
  const id = await ask();
  const other = await app.client.createRunningTeam();
  const elsewhere = `/api/teams/${other.id}/approvals/${id}`;
  for (const unknown of [elsewhere, path(randomUUID()), path('x')]) {
    expectError(await app.client.get(unknown), 404, 'APPROVAL_NOT_FOUND');
    expectError(await app.client.post(unknown, { decision: 'allow' }), 404, 'APPROVAL_NOT_FOUND');
    // Before the body is looked at.
    expectError(await app.client.post(unknown, {}), 404, 'APPROVAL_NOT_FOUND');
  }
  expectError(await app.client.get(`/api/teams/x/approvals`), 404, 'TEAM_NOT_FOUND');
  expect((await app.client.get(path(id))).body.status).toBe('pending');
});

test('is decided once, however many decide at the same time', async () => {
  const id = await ask();
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) => decide(id, { decision: index % 2 ? 'allow' : 'deny' })),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  for (const answer of answers.filter(({ status }) => status !== 200)) expectError(answer, 409, 'APPROVAL_DECIDED');
  expect(buses.of(team.slug).requests.filter(({ request }) => request.type === 'approval')).toHaveLength(1);
});

test('cannot be decided when its time is over', async () => {
  const id = await ask(approvalRequest({ expires_at: new Date(Date.now() - 1).toISOString() }));
  expectError(await decide(id, { decision: 'allow' }), 409, 'APPROVAL_DECIDED');
});

describe('a decision is refused', () => {
  test.each([
    [{}],
    [{ decision: 'yes' }],
    [{ decision: 'allow', scope: 'forever' }],
    [{ decision: 'allow', message: 'x'.repeat(2_001) }],
    [{ decision: 'allow', updated_input: 'rm' }],
    [{ decision: 'allow', updated_input: ['rm'] }],
    [{ decision: 'allow', answers: { a: 'b' } }],
    [{ decision: 'allow', scope: 'always', updated_input: { command: 'x'.repeat(20_001) } }],
    [[]],
    [null],
  ])('%j', async (body) => {
    const id = await ask();
    expectError(await decide(id, body), 400, 'INVALID_REQUEST');
    expect((await app.client.get(path(id))).body.status).toBe('pending');
  });

  test('when the new input is too large for the bus', async () => {
    const body = { decision: 'allow', updated_input: { content: 'x'.repeat(300_000) } };
    expectError(await decide(await ask(), body), 413, 'PAYLOAD_TOO_LARGE');
  });
});

describe('a question', () => {
  test.each([
    [{}],
    [{ answers: {} }],
    [{ answers: 'Blue' }],
    [{ answers: { 'Which colour?': 7 } }],
    [{ answers: { 'Which size?': 'Blue' } }],
    [{ updated_input: { answers: {} } }],
    [{ updated_input: { questions: [] } }],
  ])('is not answered by %j', async (body) => {
    expectError(await decide(await ask(question()), { decision: 'allow', ...body }), 400, 'INVALID_REQUEST');
  });

  test.each([
    [{ answers: { 'Which colour?': 'Blue' } }, 'Blue'],
    [{ answers: { 'Which colour?': ['Red', 'Blue'] } }, 'Red, Blue'],
    [{ updated_input: { answers: { 'Which colour?': 'Green, in fact' } }, scope: 'always' }, 'Green, in fact'],
  ])('is answered by %j', async (body, expected) => {
    const { status, body: approval } = await decide(await ask(question()), { decision: 'allow', ...body });
    expect({ status, scope: approval.scope }).toEqual({ status: 200, scope: 'once' });
    expect(buses.of(team.slug).requests.at(-1)?.request).toMatchObject({
      decision: 'allow',
      updated_input: { answers: { 'Which colour?': expected } },
    });
  });

  test('may be refused', async () => {
    expect(await decide(await ask(question()), { decision: 'deny' })).toMatchObject({ status: 200 });
  });
});

test('a team that stops, and an agent that is removed, leave nothing pending', async () => {
  const id = await ask();
  await app.client.post(`/api/teams/${team.id}/stop`);
  expect((await app.client.get(path(id))).body.status).toBe('cancelled');
  await app.client.post(`/api/teams/${team.id}/deploy`);
  await app.client.until(team.id, 'running');
  const other = await ask(approvalRequest({}, { from: 'Worker' }));
  const worker = team.agents[1]?.id ?? '';
  app.db.agents.setContainer(worker, { container_id: '', container_status: 'error' });
  expect(await app.client.delete(`/api/teams/${team.id}/agents/${worker}`)).toMatchObject({ status: 204 });
  expect((await app.client.get(path(other))).body).toMatchObject({
    status: 'cancelled',
    message: 'The agent was removed.',
  });
});
