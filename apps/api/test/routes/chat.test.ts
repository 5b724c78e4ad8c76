import { fastest, waitFor } from '@agentcrew/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { expectError } from '../support/expect-error.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterEach(() => app.clear());
afterAll(() => app.close());

const chat = (id: string, message: unknown) => app.client.post(`/api/teams/${id}/chat`, { message });
const messages = async (id: string) => (await app.client.get(`/api/teams/${id}/messages`)).body;

test('does not wait for the bus', async () => {
  const { id } = await app.client.createRunningTeam();
  expect(await fastest(3, () => chat(id, 'Hello, leader!'))).toBeLessThan(1000);
});

test('is queued and stored', async () => {
  const { id } = await app.client.createRunningTeam();
  const { status, body } = await chat(id, 'Hello, leader!');
  expect({ status, body }).toEqual({
    status: 200,
    body: { status: 'queued', message: expect.any(String), message_id: expect.any(String), seq: expect.any(Number) },
  });
  expect(await messages(id)).toEqual([
    {
      seq: body.seq,
      id: expect.any(String),
      team_id: id,
      message_id: body.message_id,
      from_agent: 'user',
      to_agent: 'leader',
      message_type: 'user_message',
      payload: { content: 'Hello, leader!' },
      ref_message_id: null,
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    },
  ]);
});

test.each([
  ['blanks, which are a message', '   '],
  ['line ends', 'a\r\nb\n\tc'],
  ['another script and an emoji', 'ümläut 大きさ 👩‍👩‍👧 \u{1F600}'],
  ['what looks like code', '<script>alert("x")</script> \'; DROP TABLE teams; -- {{y}} \\u0041'],
  ['control characters', 'bell \u0007 escape \u001b[31m'],
])('keeps %s', async (_what, text) => {
  const { id } = await app.client.createRunningTeam();
  expect(await chat(id, text)).toMatchObject({ status: 200 });
  expect((await messages(id))[0].payload).toEqual({ content: text });
});

test('takes a message of 800 KiB', async () => {
  const { id } = await app.client.createRunningTeam();
  const text = 'x'.repeat(800 * 1024);
  expect(await chat(id, text)).toMatchObject({ status: 200 });
  expect((await messages(id))[0].payload.content).toHaveLength(text.length);
});

test.each([
  ['5 MB', 'x'.repeat(5_000_000)],
  ['what does not fit on the bus once it is escaped', '\u0001'.repeat(200_000)],
])('refuses %s, and stores nothing', async (_what, text) => {
  const { id } = await app.client.createRunningTeam();
  expectError(await chat(id, text), 413, 'PAYLOAD_TOO_LARGE', 'message is too large');
  expect(await messages(id)).toEqual([]);
});

test.each([
  [{ message: '' }, 'message is required'],
  [{}, 'message is required'],
  [{ message: null }, 'message is required'],
  [{ text: 'hi' }, 'message is required'],
  [{ message: 7 }, 'invalid request body'],
  [{ message: ['hi'] }, 'invalid request body'],
  [{ message: { content: 'hi' } }, 'invalid request body'],
  ['hi', 'invalid request body'],
  [[], 'invalid request body'],
])('refuses %j', async (body, rule) => {
  const { id } = await app.client.createRunningTeam();
  expectError(await app.client.post(`/api/teams/${id}/chat`, body), 400, 'INVALID_REQUEST', rule);
  expect(await messages(id)).toEqual([]);
});

test('says that the team is unknown or does not run before it looks at the body', async () => {
  expectError(
    await app.client.send('POST', '/api/teams/x/chat', { raw: '{' }),
    404,
    'TEAM_NOT_FOUND',
    'team not found',
  );
  const { id } = await app.client.createTeam();
  for (const raw of ['{', '', '{"message":""}', '{"message":"hi"}']) {
    const answer = await app.client.send('POST', `/api/teams/${id}/chat`, { raw });
    expectError(answer, 409, 'TEAM_NOT_RUNNING', 'team is not running');
  }
  expect(await messages(id)).toEqual([]);
});

test('keeps the order of messages sent one after another, and all of those sent at once', async () => {
  const { id } = await app.client.createRunningTeam();
  for (let n = 0; n < 10; n += 1) await chat(id, `one by one ${n}`);
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => chat(id, `at once ${n}`)));
  expect(new Set(answers.map(({ body }) => body.message_id)).size).toBe(50);
  const rows = (await messages(id)).reverse();
  const texts = rows.map((row: { payload: { content: string } }) => row.payload.content);
  expect(texts.slice(0, 10)).toEqual(Array.from({ length: 10 }, (_, n) => `one by one ${n}`));
  expect(texts.slice(10).sort()).toEqual(Array.from({ length: 50 }, (_, n) => `at once ${n}`).sort());
});

test('is answered with a failure when the team stops before it was delivered', async () => {
  const { id } = await app.client.createRunningTeam();
  const { body } = await chat(id, 'anybody there?');
  await app.client.post(`/api/teams/${id}/stop`);
  const [reply, question] = await messages(id);
  expect(question.message_id).toBe(body.message_id);
  expect(reply).toMatchObject({
    from_agent: 'Lead',
    to_agent: 'user',
    message_type: 'leader_response',
    ref_message_id: body.message_id,
    payload: { status: 'failed', code: 'TEAM_STOPPED', error: expect.stringContaining('stopped') },
  });
  await app.client.post(`/api/teams/${id}/deploy`);
  await app.client.until(id, 'running');
  expect(await messages(id)).toHaveLength(2);
});

test('sent while the team stops is answered too, or refused', async () => {
  const { id } = await app.client.createRunningTeam();
  const sent = Array.from({ length: 20 }, (_, n) => chat(id, `${n}`));
  const [answers] = await Promise.all([Promise.all(sent), app.client.post(`/api/teams/${id}/stop`)]);
  const accepted = answers.filter(({ status }) => status === 200);
  for (const refused of answers.filter(({ status }) => status !== 200)) expectError(refused, 409, 'TEAM_NOT_RUNNING');
  await waitFor('a reply to each', async () => (await messages(id)).length === accepted.length * 2);
});

describe('to an agent of the team', () => {
  test.each(['name', 'slug', 'id', 'name in another case'])('by its %s', async (how) => {
    const { id, agents } = await app.client.createRunningTeam();
    const [, worker] = agents;
    const agent = how === 'name in another case' ? worker.name.toUpperCase() : worker[how];
    const { status, body } = await app.client.post(`/api/teams/${id}/chat`, { message: 'hello', agent });
    expect({ status, message: body.message }).toEqual({ status: 200, message: 'Message queued for Worker' });
    expect(await messages(id)).toMatchObject([{ message_id: body.message_id, to_agent: 'Worker' }]);
  });

  test('that is not in it', async () => {
    const { id } = await app.client.createRunningTeam();
    for (const agent of ['nobody', app.db.agents.listByTeam((await app.client.createTeam()).id)[0]?.id]) {
      expectError(await app.client.post(`/api/teams/${id}/chat`, { message: 'hello', agent }), 404, 'AGENT_NOT_FOUND');
    }
    for (const agent of ['', 7, 'x'.repeat(101)]) {
      expectError(await app.client.post(`/api/teams/${id}/chat`, { message: 'hello', agent }), 400, 'INVALID_REQUEST');
    }
    expect(await messages(id)).toEqual([]);
  });

  test('that was added since the deploy', async () => {
    const { id } = await app.client.createRunningTeam();
    await app.client.post(`/api/teams/${id}/agents`, { name: 'late' });
    const answer = await app.client.post(`/api/teams/${id}/chat`, { message: 'hello', agent: 'late' });
    expectError(answer, 409, 'AGENT_NOT_RUNNING');
  });
});

describe('with an Idempotency-Key', () => {
  const send = (id: string, key: string, message = 'hello') =>
    app.client.send('POST', `/api/teams/${id}/chat`, { body: { message }, headers: { 'idempotency-key': key } });

  test('gives the same message back, also at the same time, with another text, and after a stop', async () => {
    const { id } = await app.client.createRunningTeam();
    const first = await send(id, 'a key');
    const repeated = await Promise.all([send(id, 'a key'), send(id, 'a key', 'bye'), send(id, 'a key')]);
    for (const { status, body } of repeated) expect({ status, body }).toEqual({ status: 200, body: first.body });
    expect(await messages(id)).toHaveLength(1);
    expect((await send(id, 'another key')).body.message_id).not.toBe(first.body.message_id);
    await app.client.post(`/api/teams/${id}/stop`);
    expect(await send(id, 'a key')).toMatchObject({ status: 200, body: { message_id: first.body.message_id } });
    expectError(await send(id, 'a third key'), 409, 'TEAM_NOT_RUNNING');
  });

  test('is a matter of one team', async () => {
    const [a, b] = [await app.client.createRunningTeam(), await app.client.createRunningTeam()];
    const sent = [await send(a.id, 'k'), await send(b.id, 'k')];
    expect(new Set(sent.map(({ body }) => body.message_id)).size).toBe(2);
  });

  test.each(['', 'x'.repeat(256), 'tab\there', 'ümläut'])('refuses %j', async (key) => {
    const { id } = await app.client.createRunningTeam();
    expectError(await send(id, key), 400, 'INVALID_REQUEST');
    expect(await messages(id)).toEqual([]);
  });
});
