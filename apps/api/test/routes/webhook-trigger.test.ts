import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { Writable } from 'node:stream';
import type { NewWebhook } from '@agentcrew/models';
import { waitFor } from '@agentcrew/testkit';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Send } from '../support/client.ts';
import { expectError } from '../support/expect-error.ts';
import { createFakeBuses, type FakeBus } from '../support/fake-bus.ts';
import { promptOf, replyTo, stored, untilEnded } from '../support/runs.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const buses = createFakeBuses();
let logged = '';
let app: TestApp;
beforeAll(async () => {
  const sink = new Writable({
    write(chunk, _encoding, done) {
      logged += chunk;
      done();
    },
  });
  app = await startTestApp({ connectBus: buses.connectBus, maxWebhookRuns: 3, log: pino({ level: 'trace' }, sink) });
});
afterEach(() => app.clear());
afterAll(() => app.close());

interface Hook {
  id: string;
  token: string;
  teamId: string;
  bus: FakeBus;
}

async function hook(values: Partial<NewWebhook> = {}): Promise<Hook> {
  const { id: teamId, slug } = await app.client.createRunningTeam();
  const what = { name: 'hook', prompt_template: 'Look at {{commit}}, {{ who }} and {{unknown}}.' };
  const { webhook, token } = app.crew.webhooks.create({ ...what, team_id: teamId, ...values });
  return { id: webhook.id, token, teamId, bus: buses.of(slug) };
}

const call = ({ token }: Hook, options: Send = {}, query = '') =>
  app.client.send('POST', `/webhook/trigger/${token}${query}`, options);

/** Lets the leader answer all that it is told. */
function answering({ bus }: Hook, payload: Record<string, unknown>): void {
  bus.onPublish = ({ message_id }) => {
    const message = app.db.messages.get(message_id);
    if (message) void bus.deliver(replyTo(message, payload));
  };
}

test('begins a run with the variables filled in, and answers at once', async () => {
  const webhook = await hook();
  const variables = { commit: 'abc', who: '{{commit}}' };
  const { status, body } = await call(webhook, { body: { variables } });
  expect({ status, body }).toEqual({ status: 202, body: { run_id: expect.any(String), status: 'running' } });
  const ref = { type: 'webhook' as const, id: body.run_id };
  const message = await promptOf(app.db, ref, webhook.bus);
  expect(message).toMatchObject({
    from_agent: 'user',
    payload: { content: 'Look at abc, {{commit}} and {{unknown}}.', source: 'webhook', scheduled_run_id: body.run_id },
  });
  await webhook.bus.deliver(replyTo(message, { result: 'Fine.' }));
  expect(await untilEnded(app.db, ref)).toMatchObject({ status: 'success', response_received: 'Fine.' });
  expect(app.db.teams.get(webhook.teamId)?.status).toBe('running');
});

test.each([
  ['has a new token', ({ id }: Hook) => app.client.post(`/api/webhooks/${id}/regenerate`), 401],
  ['is switched off', ({ id }: Hook) => app.client.patch(`/api/webhooks/${id}/toggle`), 403],
  [
    'wants a signature',
    ({ id }: Hook) => app.client.put(`/api/webhooks/${id}`, { signing_secret: 'x'.repeat(16) }),
    401,
  ],
  ['is deleted', ({ id }: Hook) => app.client.delete(`/api/webhooks/${id}`), 401],
])('one that %s while the body comes is refused', async (_what, change, status) => {
  const webhook = await hook();
  const lookUp = vi.spyOn(app.crew.webhooks, 'byToken');
  const headers = { 'content-type': 'application/json', 'content-length': 2 };
  const sent = request(`${app.url}/webhook/trigger/${webhook.token}`, { method: 'POST', headers });
  sent.flushHeaders();
  await waitFor('the first look at the token', () => lookUp.mock.calls.length > 0);
  await change(webhook);
  sent.end('{}');
  const [response] = await once(sent, 'response');
  response.resume();
  expect(response.statusCode).toBe(status);
  lookUp.mockRestore();
});

describe('with wait=true', () => {
  test('answers with what the team answers', async () => {
    const webhook = await hook();
    answering(webhook, { result: 'Fine.' });
    expect(await call(webhook, {}, '?wait=true')).toMatchObject({
      status: 200,
      body: { run_id: expect.any(String), status: 'success', response: 'Fine.', duration_ms: expect.any(Number) },
    });
  });

  test.each([
    ['1', 200],
    ['0', 202],
    ['false', 202],
  ])('and wait=%s is %i', async (wait, status) => {
    const webhook = await hook();
    answering(webhook, { result: 'Fine.' });
    const { body, ...answer } = await call(webhook, {}, `?wait=${wait}`);
    expect(answer.status).toBe(status);
    await untilEnded(app.db, { type: 'webhook', id: body.run_id });
  });

  test.each(['?wait=yes', '?wait=', '?wait=true&wait=1'])('and %s is refused', async (query) => {
    expectError(await call(await hook(), {}, query), 400, 'INVALID_REQUEST', 'wait must be one of 0, 1, true, false');
    expect(app.db.runs.open()).toEqual([]);
  });

  test('answers with the failure', async () => {
    const webhook = await hook();
    answering(webhook, { status: 'failed', error: 'It broke.' });
    const { status, body } = await call(webhook, {}, '?wait=true');
    expect({ status, body }).toMatchObject({ status: 200, body: { status: 'failed', error: 'It broke.' } });
    expect(body).not.toHaveProperty('response');
  });

  test('answers with the timeout', async () => {
    const webhook = await hook({ timeout_seconds: 1 });
    expect(await call(webhook, {}, '?wait=true')).toMatchObject({ status: 200, body: { status: 'timeout' } });
  });

  test('ends when the caller goes, and the run goes on', async () => {
    const webhook = await hook();
    const gone = new AbortController();
    const url = `${app.url}/webhook/trigger/${webhook.token}?wait=true`;
    const answer = fetch(url, { method: 'POST', signal: gone.signal }).catch(() => 'gone');
    const run = await waitFor('the run', () => app.db.runs.open()[0]);
    const message = await promptOf(app.db, run, webhook.bus);
    gone.abort();
    expect(await answer).toBe('gone');
    expect(stored(app.db, run).status).toBe('running');
    await webhook.bus.deliver(replyTo(message, { result: 'Fine.' }));
    expect(await untilEnded(app.db, run)).toMatchObject({ status: 'success' });
    expect(logged).not.toContain('request failed');
  });
});

describe('is refused', () => {
  test('without a known token, and after many of them for a while, which holds up no right one', async () => {
    await using other = await startTestApp({ connectBus: buses.connectBus });
    const guess = () => other.client.post(`/webhook/trigger/whk_${randomBytes(32).toString('hex')}`);
    const answers = [];
    for (let count = 0; count < 25; count += 1) answers.push(await guess());
    expect(answers.map(({ status }) => status)).toEqual([...Array(20).fill(401), ...Array(5).fill(429)]);
    expectError(answers[0] ?? (await guess()), 401, 'WEBHOOK_TOKEN_UNKNOWN');
    expectError(answers[24] ?? (await guess()), 429, 'RATE_LIMITED');
    expect(Number(answers[24]?.headers.get('retry-after'))).toBeGreaterThan(0);
    const { id: team_id } = await other.client.createRunningTeam();
    const { token } = other.crew.webhooks.create({ name: 'x', prompt_template: 'x', team_id });
    expect(await other.client.post(`/webhook/trigger/${token}`)).toMatchObject({ status: 202 });
  });

  test('when it is switched off', async () => {
    expectError(await call(await hook({ enabled: false })), 403, 'WEBHOOK_DISABLED');
  });

  test('when its team does not run', async () => {
    const webhook = await hook();
    await app.client.post(`/api/teams/${webhook.teamId}/stop`);
    expectError(await call(webhook), 409, 'TEAM_NOT_RUNNING', 'team is not running');
  });

  test('when it runs as often as it may', async () => {
    const webhook = await hook({ max_concurrent: 2 });
    const answers = await Promise.all([call(webhook), call(webhook), call(webhook)]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 202, 429]);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.body.code).toBe('TOO_MANY_RUNS');
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('when all webhooks together run as often as they may', async () => {
    const [one, two] = [await hook({ max_concurrent: 9 }), await hook({ max_concurrent: 9 })];
    const answers = await Promise.all([call(one), call(two), call(one), call(two)]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 202, 202, 429]);
  });

  test('when its organisation has half of all runs, and another one has webhooks, too', async () => {
    const [one, other] = [await hook({ max_concurrent: 9 }), await hook({ org_id: 'another' })];
    for (const status of [202, 202]) expect(await call(one)).toMatchObject({ status });
    const share = '2 runs of webhooks of this organization, its share of 3, are under way already';
    expectError(await call(one), 429, 'TOO_MANY_RUNS', share);
    expect(await call(other)).toMatchObject({ status: 202 });
  });

  test.each([
    ['too many variables', { variables: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [index, ''])) }],
    ['a long key', { variables: { ['k'.repeat(1_001)]: '' } }],
    ['a long value', { variables: { key: 'x'.repeat(10_001) } }],
    ['a value that is no text', { variables: { key: 7 } }],
    ['no object', []],
  ])('with %s', async (_, body) => {
    expectError(await call(await hook(), { body }), 400, 'INVALID_REQUEST');
  });

  test('with a prompt that is too large or empty when it is filled in', async () => {
    const webhook = await hook({ prompt_template: '{{x}}{{x}}{{x}}{{x}}{{x}}{{x}}' });
    expectError(
      await call(webhook, { body: { variables: { x: 'x'.repeat(10_000) } } }),
      400,
      'INVALID_REQUEST',
      '60000',
    );
    expectError(await call(webhook, { body: { variables: { x: ' ' } } }), 400, 'INVALID_REQUEST', 'empty');
    expect(app.db.runs.open()).toEqual([]);
  });

  test('with another wait, another method, or a body that is not JSON', async () => {
    const webhook = await hook();
    expectError(await call(webhook, {}, '?wait=2'), 400, 'INVALID_REQUEST');
    expectError(await app.client.get(`/webhook/trigger/${webhook.token}`), 405, 'METHOD_NOT_ALLOWED');
    expectError(await app.client.post(`/webhook/trigger/${webhook.token}/more`), 404, 'NOT_FOUND');
    expectError(await call(webhook, { raw: '{' }), 400, 'INVALID_REQUEST');
    expectError(
      await call(webhook, { raw: 'x', headers: { 'content-type': 'text/plain' } }),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    );
  });
});

describe('with an Idempotency-Key', () => {
  test('the same key is the same run, also when the limit is reached, and after the end', async () => {
    const webhook = await hook();
    const send = (key: string, query = '') => call(webhook, { headers: { 'idempotency-key': key } }, query);
    const [first, again] = await Promise.all([send('k'), send('k')]);
    expect([first.status, again.status]).toEqual([202, 202]);
    expect(again.body).toEqual(first.body);
    expectError(await send('another'), 429, 'TOO_MANY_RUNS');
    const ref = { type: 'webhook' as const, id: first.body.run_id };
    await webhook.bus.deliver(replyTo(await promptOf(app.db, ref, webhook.bus), { result: 'Fine.' }));
    await untilEnded(app.db, ref);
    expect(await send('k')).toMatchObject({ status: 202, body: { run_id: ref.id, status: 'success' } });
    expect(await send('k', '?wait=true')).toMatchObject({ status: 200, body: { run_id: ref.id, response: 'Fine.' } });
    expect(webhook.bus.published).toHaveLength(1);
  });

  test.each(['', 'x'.repeat(256)])('%j is refused', async (key) => {
    expectError(await call(await hook(), { headers: { 'idempotency-key': key } }), 400, 'INVALID_REQUEST');
  });
});

describe('with a signing secret', () => {
  const secret = 'a secret of ours';
  const sign = (body: string, by = secret) => `sha256=${createHmac('sha256', by).update(body).digest('hex')}`;

  test('takes a body that is signed as it was sent', async () => {
    const webhook = await hook({ signing_secret: secret, max_concurrent: 3 });
    for (const raw of ['{ "variables":\n{"commit": "\\u0061ü"} }', '']) {
      const answer = await call(webhook, { raw, headers: { 'x-signature-256': sign(raw) } });
      expect({ raw, status: answer.status }).toEqual({ raw, status: 202 });
    }
  });

  test.each([
    ['none', undefined],
    ['an empty one', ''],
    ['that of another body', sign('{}')],
    ['that of another secret', sign('{"variables":{}}', 'another secret')],
    ['one without its algorithm', sign('{"variables":{}}').slice(7)],
    ['one in upper case', sign('{"variables":{}}').toUpperCase()],
  ])('refuses %s', async (_, signature) => {
    const webhook = await hook({ signing_secret: secret });
    const headers: Record<string, string> = signature === undefined ? {} : { 'x-signature-256': signature };
    expectError(await call(webhook, { raw: '{"variables":{}}', headers }), 401, 'SIGNATURE_INVALID');
    expectError(await call(webhook, { raw: '{"variables":7}', headers }), 401, 'SIGNATURE_INVALID');
    expect(app.db.runs.open()).toEqual([]);
  });
});

test('the token and the secret are in no log, no error and no table', async () => {
  const webhook = await hook({ signing_secret: 'a secret of ours' });
  const answers = [
    await call(webhook),
    await call(webhook, { raw: '{' }),
    await app.client.get(`/webhook/trigger/${webhook.token}`),
    await app.client.post(`/webhook/trigger/${webhook.token}/more`),
    await app.client.post(`/webhook/trigger/${webhook.token}%`),
    await app.client.post(`/WEBHOOK/trigger/${webhook.token}x`),
  ];
  for (const { text, status } of answers) {
    expect(status).toBeGreaterThanOrEqual(400);
    expect(text).not.toContain(webhook.token);
  }
  expect((await app.client.get('/metrics')).text).not.toContain('whk_');
  expect(logged).not.toContain(webhook.token);
  const row = app.db.webhooks.get(webhook.id);
  expect(JSON.stringify({ ...row, signing_secret: '' })).not.toContain(webhook.token);
});
