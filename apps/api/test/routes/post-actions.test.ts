import { defaultOrgId } from '@agentcrew/models';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type FileDatabase, fileDatabase } from '../support/automation.ts';
import { expectError } from '../support/expect-error.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let file: FileDatabase;
let app: TestApp;
beforeAll(async () => {
  file = await fileDatabase();
  app = await startTestApp({ db: file.db });
});
afterEach(() => file.run('pragma foreign_keys = on; delete from post_actions'));
afterAll(async () => {
  await app.close();
  await file[Symbol.asyncDispose]();
});

const mask = '********';
const path = '/api/post-actions';
const minimal = { name: 'notify', url: 'https://example.org/hook' };
const bearer = { auth_type: 'bearer', auth_config: { token: 'canary-token' } };

async function create(values: Record<string, unknown> = {}) {
  const { status, body, text } = await app.client.post(path, { ...minimal, ...values });
  expect({ status, text }).toMatchObject({ status: 201 });
  return body;
}
const change = (id: string, values: Record<string, unknown>) => app.client.put(`${path}/${id}`, values);
const stored = (id: string) => file.db.postActions.get(defaultOrgId, id);

describe('a post-action', () => {
  test('is created with the defaults of the wire', async () => {
    expect(await create()).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      org_id: defaultOrgId,
      name: 'notify',
      description: '',
      method: 'POST',
      url: 'https://example.org/hook',
      headers: null,
      body_template: '',
      auth_type: 'none',
      auth_config: null,
      timeout_seconds: 30,
      retry_count: 0,
      enabled: true,
      created_at: expect.stringMatching(/Z$/),
      updated_at: expect.stringMatching(/Z$/),
      bindings: [],
    });
  });

  test('is created with everything, listed, shown, changed and deleted', async () => {
    const values = {
      name: ' Überall 🚀 ',
      description: 'tells the others',
      method: 'PUT',
      url: 'http://example.org:8080/{{run_id}}?s={{status}}&{{unknown}}',
      headers: { 'X-Team': '{{team_name}}' },
      body_template: '{"text": "{{response}}"}',
      timeout_seconds: 300,
      retry_count: 5,
      enabled: false,
    };
    const { bindings: _, ...action } = await create(values);
    expect(action).toMatchObject(values);
    expect((await app.client.get(path)).body).toEqual([{ ...action, bindings_count: 0 }]);
    expect((await app.client.get(`${path}/${action.id}`)).body).toEqual({ ...action, bindings: [] });
    const { status, body } = await change(action.id, { enabled: true, description: '', headers: {} });
    expect(status).toBe(200);
    expect(body).toMatchObject({ ...values, enabled: true, description: '', headers: {} });
    expect(await app.client.delete(`${path}/${action.id}`)).toMatchObject({ status: 204, text: '' });
    expectError(await app.client.delete(`${path}/${action.id}`), 404, 'POST_ACTION_NOT_FOUND');
    expect((await app.client.get(path)).text).toBe('[]');
  });

  test('that is changed by nothing, or by null, stays', async () => {
    const { id } = await create({ ...bearer, description: 'x' });
    expect((await change(id, {})).body).toMatchObject({ description: 'x', auth_type: 'bearer' });
    expect((await change(id, { description: null, auth_config: null })).body).toMatchObject({ description: 'x' });
    expect(stored(id)?.auth_config).toEqual({ token: 'canary-token' });
  });

  test.each([
    [{}, 'name is required'],
    [{ name: ' ' }, 'name is required'],
    [{ name: 'x'.repeat(256) }, 'name must be at most'],
    [{ url: undefined }, 'url is required'],
    [{ url: '' }, 'url is required'],
    [{ url: 'example.org' }, 'url must be an http or https URL'],
    [{ url: '/hook' }, 'url must be an http or https URL'],
    [{ url: 'ftp://example.org' }, 'url must be an http or https URL'],
    [{ url: 'file:///etc/passwd' }, 'url must be an http or https URL'],
    [{ url: 'http://' }, 'url must be an http or https URL'],
    [{ url: 'https:///{{response}}/hook' }, 'url must be an http or https URL'],
    [{ url: 'http://exa mple.org' }, 'url must not contain'],
    [{ url: 'http://example.org/\n' }, 'url must not contain'],
    [{ url: 'http://example.org\\@10.0.0.1' }, 'url must not contain'],
    [{ url: 'https://{{team_name}}.example.org' }, 'url must not have a placeholder in its host'],
    [{ url: 'https://example.org{{response}}' }, 'url must not have a placeholder in its host'],
    [{ url: 'https://user:pass@example.org' }, 'url must not hold credentials'],
    [{ url: `https://example.org/${'x'.repeat(4096)}` }, 'url must be at most'],
    [{ method: 'TRACE' }, 'method must be one of'],
    [{ method: 'get' }, 'method must be one of'],
    [{ timeout_seconds: 0 }, 'timeout_seconds must be at least 1'],
    [{ timeout_seconds: 301 }, 'timeout_seconds must be at most 300'],
    [{ timeout_seconds: 1.5 }, 'timeout_seconds'],
    [{ retry_count: -1 }, 'retry_count must be at least 0'],
    [{ retry_count: 6 }, 'retry_count must be at most 5'],
    [{ enabled: 'yes' }, 'invalid request body'],
    [{ body_template: 'x'.repeat(65_537) }, 'body_template must be at most'],
    [{ headers: { 'a b': 'x' } }, 'headers.a b must be the name of a header'],
    [{ headers: { 'a:b': 'x' } }, 'headers.a:b must be the name of a header'],
    [{ headers: { '': 'x' } }, 'headers must be the name of a header'],
    [{ headers: { a: 'x\r\ny: z' } }, 'must not contain control characters'],
    [{ headers: { a: 7 } }, 'headers'],
    [{ headers: { A: 'x', a: 'y' } }, 'headers must name each header once'],
    [{ headers: { Host: 'x' } }, 'headers'],
    [{ headers: { 'transfer-encoding': 'chunked' } }, 'headers'],
    [{ headers: { 'x-api-key': mask } }, 'headers.x-api-key is masked'],
    [{ headers: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`h${n}`, 'x'])) }, 'at most 50'],
    [{ auth_type: 'digest' }, 'auth_type must be one of'],
    [{ auth_type: 'bearer' }, 'auth_config.token is required'],
    [{ auth_type: 'bearer', auth_config: {} }, 'auth_config.token is required'],
    [{ auth_type: 'bearer', auth_config: { token: '' } }, 'auth_config.token is required'],
    [{ auth_type: 'bearer', auth_config: { token: mask } }, 'auth_config.token is required'],
    [{ auth_type: 'bearer', auth_config: { token: 'a\nb' } }, 'auth_config.token must not contain control'],
    [{ auth_type: 'basic', auth_config: { username: 'u' } }, 'auth_config.password is required'],
    [{ auth_type: 'basic', auth_config: { password: 'p' } }, 'auth_config.username is required'],
    [{ auth_type: 'basic', auth_config: { username: 'a:b', password: 'p' } }, 'auth_config.username must not contain'],
    [{ auth_type: 'header', auth_config: { header_name: 'x' } }, 'auth_config.header_value is required'],
    [{ auth_type: 'header', auth_config: { header_name: 'a b', header_value: 'x' } }, 'must be the name of a header'],
    [{ auth_type: 'header', auth_config: { header_name: 'Host', header_value: 'x' } }, 'must not be one'],
    [{ auth_config: 'token' }, 'invalid request body'],
    [{ auth_config: { token: 7 } }, 'invalid request body'],
  ])('%j is refused', async (values, rule) => {
    const body = Object.keys(values).length === 0 ? {} : { ...minimal, ...values };
    expectError(await app.client.post(path, body), 400, 'INVALID_REQUEST', rule);
    expect((await app.client.get(path)).body).toEqual([]);
    if (Object.keys(values).length === 0 || 'url' in values) return;
    const { id } = await create();
    expectError(await change(id, values), 400, 'INVALID_REQUEST', rule);
  });

  test('that does not exist is 404 before the body is looked at', async () => {
    expectError(await app.client.get(`${path}/x`), 404, 'POST_ACTION_NOT_FOUND');
    expectError(await change('x', { name: 7 as unknown as string }), 404, 'POST_ACTION_NOT_FOUND');
    expectError(await app.client.get(`${path}/x/runs`), 404, 'POST_ACTION_NOT_FOUND');
    expectError(await app.client.post(`${path}/x/bindings`, {}), 404, 'POST_ACTION_NOT_FOUND');
    expectError(await app.client.delete(`${path}/x/bindings/y`), 404, 'POST_ACTION_NOT_FOUND');
  });
});

describe('secrets', () => {
  const kinds = [
    ['bearer', { token: 'canary-1' }, { token: mask }],
    ['basic', { username: 'canary-2', password: 'canary-3' }, { username: mask, password: mask }],
    ['header', { header_name: 'X-Key', header_value: 'canary-4' }, { header_name: 'X-Key', header_value: mask }],
  ] as const;

  test.each(kinds)(
    'of %s are masked in every answer and kept when the mask, nothing or an empty text comes back',
    async (auth_type, auth_config, shown) => {
      const action = await create({ auth_type, auth_config: { ...auth_config, other: 'canary-5' } });
      expect(action.auth_config).toEqual(shown);
      const answers = [
        await change(action.id, { auth_config: shown, name: 'renamed' }),
        await change(action.id, { auth_type, auth_config: {} }),
        await change(action.id, { auth_config: Object.fromEntries(Object.keys(auth_config).map((key) => [key, ''])) }),
        await app.client.get(path),
        await app.client.get(`${path}/${action.id}`),
      ];
      for (const { status, text } of answers) {
        expect(status).toBe(200);
        expect(text).not.toContain('canary');
      }
      expect(stored(action.id)?.auth_config).toEqual(auth_config);
    },
  );

  test('are replaced by new ones, and go with the kind of authentication', async () => {
    const { id } = await create(bearer);
    await change(id, { auth_config: { token: 'another' } });
    expect(stored(id)?.auth_config).toEqual({ token: 'another' });
    expectError(
      await change(id, { auth_type: 'basic', auth_config: { username: 'u', password: mask } }),
      400,
      'INVALID_REQUEST',
      'auth_config.password',
    );
    await change(id, { auth_type: 'basic', auth_config: { username: 'u', password: '' } });
    expect(stored(id)?.auth_config).toEqual({ username: 'u', password: '' });
    expect((await change(id, { auth_type: 'none' })).body).toMatchObject({ auth_type: 'none', auth_config: null });
    expectError(await change(id, { auth_type: 'bearer' }), 400, 'INVALID_REQUEST', 'auth_config.token is required');
  });

  test('that cannot be decrypted any more have to be given anew, and everything else can be changed', async () => {
    const { id } = await create({ ...bearer, headers: { 'X-Api-Key': 'canary', 'X-Team': 'a' } });
    file.run(`update post_actions set auth_config = '{"token":"enc::AAAA"}', headers = '{"X-Api-Key":"enc::AAAA"}'`);
    expect(await change(id, { enabled: false })).toMatchObject({ status: 200, body: { auth_config: { token: mask } } });
    const rule = 'there is no value to keep';
    expectError(await change(id, { headers: { 'X-Api-Key': mask } }), 400, 'INVALID_REQUEST', rule);
    expectError(await change(id, { auth_config: { token: mask } }), 400, 'INVALID_REQUEST', 'is required');
    await change(id, { headers: { 'X-Api-Key': 'new' }, auth_config: { token: 'new' } });
    expect(stored(id)).toMatchObject({
      headers: { 'X-Api-Key': 'new' },
      auth_config: { token: 'new' },
      unreadable: false,
    });
  });

  test('in headers are masked by their names', async () => {
    const secret = ['Authorization', 'Cookie', 'X-API-Key', 'X-Auth-Token', 'X-Hub-Signature', 'client-secret'];
    const headers = {
      ...Object.fromEntries(secret.map((name) => [name, 'canary'])),
      Accept: 'text/plain',
      'X-Team': 'a',
    };
    const { id, headers: shown } = await create({ headers });
    expect(shown).toEqual({
      ...Object.fromEntries(secret.map((name) => [name, mask])),
      Accept: 'text/plain',
      'X-Team': 'a',
    });
    const { Cookie: _, ...rest } = shown;
    await change(id, { headers: { ...rest, 'x-api-key': undefined, 'X-API-Key': '', Accept: '' } });
    const { Cookie: __, ...kept } = headers as Record<string, string>;
    expect(stored(id)?.headers).toEqual({ ...kept, Accept: '' });
  });
});

describe('a binding', () => {
  test('is created, shown with its action and the name of its trigger, changed and removed', async () => {
    const { bindings: _, ...action } = await create(bearer);
    const hook = file.addWebhook({ name: 'deploy hook' });
    const nightly = file.addSchedule({ name: 'nightly' });
    const { status, body: binding } = await app.client.post(`${path}/${action.id}/bindings`, {
      trigger_type: 'webhook',
      trigger_id: hook,
    });
    expect(status).toBe(201);
    expect(binding).toEqual({
      id: expect.any(String),
      post_action_id: action.id,
      trigger_type: 'webhook',
      trigger_id: hook,
      trigger_on: 'any',
      enabled: true,
      created_at: expect.stringMatching(/Z$/),
      post_action: action,
      trigger_name: 'deploy hook',
    });
    expect((await app.client.get(path)).body).toMatchObject([{ bindings_count: 1 }]);
    expect((await app.client.get(`${path}/${action.id}`)).body.bindings).toEqual([binding]);
    const one = `${path}/${action.id}/bindings/${binding.id}`;
    const changed = await app.client.put(one, {
      trigger_type: 'schedule',
      trigger_id: nightly,
      trigger_on: 'failure',
      body_override: 'oh no',
      enabled: false,
    });
    expect(changed).toMatchObject({
      status: 200,
      body: { trigger_name: 'nightly', trigger_on: 'failure', body_override: 'oh no', enabled: false },
    });
    expect((await app.client.put(one, { body_override: '' })).body).not.toHaveProperty('body_override');
    expect((await app.client.put(one, {})).body).toMatchObject({ trigger_on: 'failure', enabled: false });
    expect(await app.client.delete(one)).toMatchObject({ status: 204, text: '' });
    expectError(await app.client.delete(one), 404, 'POST_ACTION_BINDING_NOT_FOUND');
    expectError(await app.client.put(one, {}), 404, 'POST_ACTION_BINDING_NOT_FOUND');
  });

  test('exists once for each trigger and outcome', async () => {
    const { id } = await create();
    const trigger = { trigger_type: 'schedule', trigger_id: file.addSchedule() };
    const bind = (trigger_on?: string) => app.client.post(`${path}/${id}/bindings`, { ...trigger, trigger_on });
    expect(await bind()).toMatchObject({ status: 201 });
    expectError(await bind('any'), 409, 'POST_ACTION_BINDING_EXISTS');
    const other = await bind('success');
    expect(other).toMatchObject({ status: 201 });
    expectError(
      await app.client.put(`${path}/${id}/bindings/${other.body.id}`, { trigger_on: 'any' }),
      409,
      'POST_ACTION_BINDING_EXISTS',
    );
  });

  test.each([
    [{}, 'trigger_type must be one of'],
    [{ trigger_type: 'cron' }, 'trigger_type must be one of'],
    [{ trigger_id: undefined }, 'trigger_id is required'],
    [{ trigger_id: 'unknown' }, 'trigger_id: there is no such schedule'],
    [{ trigger_type: 'webhook' }, 'trigger_id: there is no such webhook'],
    [{ trigger_on: 'timeout' }, 'trigger_on must be one of'],
    [{ body_override: 7 }, 'invalid request body'],
    [{ enabled: 1 }, 'invalid request body'],
  ])('%j is refused', async (values, rule) => {
    const { id } = await create();
    const body =
      Object.keys(values).length === 0 ? {} : { trigger_type: 'schedule', trigger_id: file.addSchedule(), ...values };
    expectError(await app.client.post(`${path}/${id}/bindings`, body), 400, 'INVALID_REQUEST', rule);
  });

  test('goes with its trigger', async () => {
    const { id } = await create();
    const trigger_id = file.addSchedule();
    await app.client.post(`${path}/${id}/bindings`, { trigger_type: 'schedule', trigger_id });
    file.run(`delete from schedules where id = '${trigger_id}'`);
    expect((await app.client.get(`${path}/${id}`)).body.bindings).toEqual([]);
  });
});

test('what belongs to another organisation does not exist', async () => {
  const theirs = file.db.postActions.insert({ ...minimal, org_id: 'another org' });
  const binding = file.db.postActionBindings.insert({
    post_action_id: theirs.id,
    trigger_type: 'schedule',
    trigger_id: file.addSchedule({ org_id: 'another org' }),
  });
  const one = `${path}/${theirs.id}`;
  for (const answer of [
    await app.client.get(one),
    await app.client.put(one, { name: 'mine' }),
    await app.client.delete(one),
    await app.client.get(`${one}/runs`),
    await app.client.post(`${one}/bindings`, { trigger_type: 'schedule', trigger_id: file.addSchedule() }),
    await app.client.put(`${one}/bindings/${binding.id}`, { enabled: false }),
    await app.client.delete(`${one}/bindings/${binding.id}`),
  ]) {
    expectError(answer, 404, 'POST_ACTION_NOT_FOUND');
  }
  expect((await app.client.get(path)).body).toEqual([]);
  const { id } = await create();
  const trigger = { trigger_type: 'schedule', trigger_id: file.addSchedule({ org_id: 'another org' }) };
  expectError(await app.client.post(`${path}/${id}/bindings`, trigger), 400, 'INVALID_REQUEST', 'there is no such');
  expectError(await app.client.delete(`${path}/${id}/bindings/${binding.id}`), 404, 'POST_ACTION_BINDING_NOT_FOUND');
});

describe('runs', () => {
  test.each([
    ['', { page: 1, per_page: 20 }, 20],
    ['?page=2', { page: 2, per_page: 20 }, 5],
    ['?page=3&per_page=10', { page: 3, per_page: 10 }, 5],
    ['?page=9', { page: 9, per_page: 20 }, 0],
    ['?page=0&per_page=101', { page: 1, per_page: 20 }, 20],
    ['?page=-1&per_page=0', { page: 1, per_page: 20 }, 20],
    ['?page=x&per_page=', { page: 1, per_page: 20 }, 20],
    ['?page=1.5&per_page=100', { page: 1, per_page: 100 }, 25],
    ['?page=1e99', { page: 1, per_page: 20 }, 20],
  ])('come in pages: %s', async (query, page, count) => {
    const { id } = await create();
    for (let n = 0; n < 25; n += 1) {
      file.db.postActionRuns.insert({
        post_action_id: id,
        binding_id: 'b',
        source_type: 'webhook',
        source_run_id: `${n}`,
        placeholders: {},
      });
    }
    const { status, body } = await app.client.get(`${path}/${id}/runs${query}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ ...page, total: 25 });
    expect(body.data).toHaveLength(count);
    if (page.page === 1) expect(body.data[0].source_run_id).toBe('24');
  });

  test('look as on the wire', async () => {
    const { id } = await create();
    file.db.postActionRuns.insert({
      post_action_id: id,
      binding_id: 'b',
      source_type: 'webhook',
      source_run_id: 'r',
      placeholders: {},
    });
    expect((await app.client.get(`${path}/${id}/runs`)).body.data).toEqual([
      {
        id: expect.any(String),
        post_action_id: id,
        binding_id: 'b',
        source_type: 'webhook',
        source_run_id: 'r',
        triggered_at: expect.stringMatching(/Z$/),
        completed_at: null,
        status: 'retrying',
        status_code: 0,
        response_body: '',
        error: '',
        request_sent: '',
        attempts: 0,
        next_attempt_at: expect.stringMatching(/Z$/),
      },
    ]);
  });
});
