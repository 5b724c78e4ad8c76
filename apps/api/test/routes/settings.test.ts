import { defaultOrgId } from '@agentcrew/models';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { expectError } from '../support/expect-error.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterEach(() => {
  for (const { key } of app.db.settings.list(defaultOrgId)) app.db.settings.delete(defaultOrgId, key);
});
afterAll(() => app.close());

const mask = '********';
const save = (key: string, value: string, is_secret?: boolean) =>
  app.client.put('/api/settings', { key, value, is_secret });
const list = async () => (await app.client.get('/api/settings')).body;
const stored = (key: string) => app.db.settings.list(defaultOrgId).find((setting) => setting.key === key)?.value;

test('are none at first', async () => {
  expect((await app.client.get('/api/settings')).text).toBe('[]');
});

test('are created and changed with 200, and keep their id', async () => {
  const created = await save('REGION', 'eu');
  expect({ status: created.status, body: created.body }).toEqual({
    status: 200,
    body: {
      id: expect.any(Number),
      key: 'REGION',
      value: 'eu',
      is_secret: false,
      updated_at: expect.stringMatching(/Z$/),
    },
  });
  expect(await list()).toEqual([created.body]);
  const changed = await save('REGION', '', false);
  expect(changed).toMatchObject({ status: 200, body: { id: created.body.id, value: '' } });
  expect(await list()).toEqual([changed.body]);
});

describe('secrets', () => {
  test('are masked in every answer', async () => {
    const { body, text } = await save('TOKEN', 'canary-value', true);
    expect(body).toMatchObject({ key: 'TOKEN', value: mask, is_secret: true });
    expect(text + (await app.client.get('/api/settings')).text).not.toContain('canary');
    expect(stored('TOKEN')).toBe('canary-value');
  });

  test.each(['', mask])('saved again as %j keep their value', async (value) => {
    await save('TOKEN', 'canary-value', true);
    expect((await save('TOKEN', value, true)).body).toMatchObject({ value: mask, is_secret: true });
    expect(stored('TOKEN')).toBe('canary-value');
    await save('TOKEN', 'another', true);
    expect(stored('TOKEN')).toBe('another');
  });

  test('that are new may be empty', async () => {
    expect(await save('TOKEN', '', true)).toMatchObject({ status: 200, body: { value: mask } });
    expect(stored('TOKEN')).toBe('');
  });

  test.each(['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN', 'ANTHROPIC_AUTH_TOKEN'])(
    '%s is one whatever the request says',
    async (key) => {
      for (const is_secret of [undefined, false]) {
        expect((await save(key, 'canary-value', is_secret)).body).toMatchObject({ value: mask, is_secret: true });
      }
      expect((await app.client.get('/api/settings')).text).not.toContain('canary');
      await save(key, '');
      expect(stored(key)).toBe('canary-value');
    },
  );

  test('never come back as what was plain before, nor the other way round', async () => {
    await save('X', 'plain');
    expect((await save('X', 'hidden', true)).body).toMatchObject({ value: mask, is_secret: true });
    expectError(await save('X', mask, false), 400, 'INVALID_REQUEST', /mask of a secret/);
    expect(stored('X')).toBe('hidden');
    expect((await save('X', 'plain again', false)).body).toMatchObject({ value: 'plain again', is_secret: false });
  });
});

describe('deleting', () => {
  test('answers 204, then 404', async () => {
    await save('REGION', 'eu');
    expect(await app.client.delete('/api/settings/REGION')).toMatchObject({ status: 204, text: '' });
    expect(await list()).toEqual([]);
    expectError(await app.client.delete('/api/settings/REGION'), 404, 'SETTING_NOT_FOUND');
  });

  test.each([
    'a/b',
    'a b',
    'a%2Fb',
    'ü',
    '100%',
    'a?b',
    'a#b',
    'MiXeD',
    '...',
    '__proto__',
    'x'.repeat(255),
    '大'.repeat(100),
  ])('finds the key %s when it is encoded', async (key) => {
    expect(await save(key, 'v')).toMatchObject({ status: 200, body: { key } });
    expect(await app.client.delete(`/api/settings/${encodeURIComponent(key)}`)).toMatchObject({ status: 204 });
    expect(await list()).toEqual([]);
  });

  test('is exact about the case', async () => {
    await save('REGION', 'eu');
    expectError(await app.client.delete('/api/settings/region'), 404, 'SETTING_NOT_FOUND');
  });
});

test.each([
  [{}, 'key is required'],
  [{ key: '', value: 'x' }, 'key is required'],
  [{ key: null, value: 'x' }, 'key is required'],
  [{ value: 'x' }, 'key is required'],
  [{ key: 'A=B', value: 'x' }, 'key must not contain'],
  [{ key: 'A\nB', value: 'x' }, 'key must not contain'],
  [{ key: 'x'.repeat(256), value: 'x' }, 'key must be at most'],
  [{ key: 7, value: 'x' }, 'invalid request body'],
  [{ key: 'A', value: 7 }, 'invalid request body'],
  [{ key: 'A', value: {} }, 'invalid request body'],
  [{ key: 'A', value: 'x', is_secret: 'yes' }, 'invalid request body'],
  [{ key: 'A', value: 'x'.repeat(1_048_577) }, 'value must be at most'],
  [[], 'invalid request body'],
  ['text', 'invalid request body'],
])('%j is refused', async (body, rule) => {
  expectError(await app.client.put('/api/settings', body), 400, 'INVALID_REQUEST', rule);
  expect(await list()).toEqual([]);
});

test('POST is no way to write one', async () => {
  expectError(await app.client.post('/api/settings', { key: 'A', value: 'x' }), 405, 'METHOD_NOT_ALLOWED');
});
