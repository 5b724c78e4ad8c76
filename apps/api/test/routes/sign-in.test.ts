import { defaultUserId } from '@agentcrew/models';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newEmail, owner, password, person, signIn, startLocalApp } from '../support/accounts.ts';
import { expectError } from '../support/expect-error.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startLocalApp();
});
afterAll(() => app.close());

const registration = (more: object = {}) => ({ org_name: 'Acme', name: 'Ada', email: newEmail(), password, ...more });

test('the way to sign in is told to everybody', async () => {
  expect((await app.client.get('/api/auth/config')).body).toEqual({
    provider: 'local',
    registration_enabled: true,
    multi_tenant: true,
  });
});

describe('a registration', () => {
  test('founds an organisation and signs its owner in', async () => {
    const { status, body } = await app.client.post(
      '/api/auth/register',
      registration({ org_name: ' Ünder & Score, Inc. ', email: ' Ada.Lovelace@Example.org ' }),
    );
    const id = expect.any(String);
    expect({ status, body }).toEqual({
      status: 201,
      body: {
        access_token: id,
        refresh_token: id,
        expires_in: 900,
        user: { id, org_id: id, email: 'ada.lovelace@example.org', name: 'Ada', role: 'admin', is_owner: true },
        organization: { id, name: 'Ünder & Score, Inc.', slug: 'nder-score-inc' },
      },
    });
    const { client, org_id } = person(app, { status, body, text: '', headers: new Headers() });
    expect((await client.get('/api/auth/me')).body).toMatchObject({
      user: { ...body.user, must_change_password: false },
      organization: { ...body.organization, id: org_id },
    });
  });

  test.each([
    [{ org_name: undefined }, 'organization name is required'],
    [{ org_name: '  ' }, 'organization name is required'],
    [{ name: '' }, 'name is required'],
    [{ email: 'nobody' }, 'email must be an email address'],
    [{ password: 'Short-1' }, 'password must be at least 8 characters'],
    [{ password: 'no-upper-1' }, 'password must be at least 8 characters'],
    [{ password: 'NO-LOWER-1' }, 'password must be at least 8 characters'],
    [{ password: 'No-Digits-' }, 'password must be at least 8 characters'],
  ])('with %j is refused: %s', async (more, text) => {
    expectError(await app.client.post('/api/auth/register', registration(more)), 400, 'INVALID_REQUEST', text);
  });

  test('with an address or an organisation that exists is refused, and leaves nothing behind', async () => {
    const { email } = await owner(app, 'Taken');
    const organizations = app.db.organizations.all().length;
    const register = (more: object) => app.client.post('/api/auth/register', registration(more));
    expectError(
      await register({ org_name: 'Other', email: email.toUpperCase() }),
      400,
      'EMAIL_TAKEN',
      'email already registered',
    );
    expectError(await register({ org_name: 'taken!' }), 400, 'ORG_NAME_TAKEN', 'organization name already exists');
    expect(app.db.organizations.all()).toHaveLength(organizations);
  });
});

describe('a sign-in', () => {
  test('takes the address in any case', async () => {
    const { email, id } = await owner(app);
    expect(await signIn(app, ` ${email.toUpperCase()} `)).toMatchObject({ id, email });
  });

  test.each([
    ['another password', { password: 'Wrong-Horse-1' }],
    ['an unknown address', { email: 'nobody@example.org' }],
  ])('with %s is refused in the same words', async (_what, more) => {
    const { email } = await owner(app);
    const answer = await app.client.post('/api/auth/login', { email, password, ...more });
    expectError(answer, 401, 'INVALID_CREDENTIALS', /^invalid email or password$/);
  });

  test('needs both', async () => {
    for (const body of [{}, { email: 'a@b' }, { password }, { email: '', password: '' }, undefined])
      expectError(await app.client.post('/api/auth/login', body), 400, 'INVALID_REQUEST');
  });
});

describe('without multi-tenancy', () => {
  test('one organisation can be founded; it gets what was made without sign-in', async () => {
    const before = await startTestApp();
    const team = await before.client.createTeam({ name: 'old' });
    await before.client.put('/api/settings', { key: 'A', value: 'b' });
    await using single = await startLocalApp({ db: before.db, auth: { multiTenant: false } });
    const config = async () => (await single.client.get('/api/auth/config')).body.registration_enabled;
    expect(await config()).toBe(true);
    const ada = await owner(single, 'Acme');
    expect(ada.org_id).toBe(team.org_id);
    expect((await ada.client.get('/api/teams')).body).toMatchObject([{ id: team.id, name: 'old' }]);
    expect((await ada.client.get('/api/settings')).body).toMatchObject([{ key: 'A', value: 'b' }]);
    expect((await ada.client.get('/api/org')).body).toMatchObject({ name: 'Acme', slug: 'acme' });
    expect((await ada.client.get('/api/org/members')).body).toMatchObject([{ id: ada.id, email: ada.email }]);
    expect(await config()).toBe(false);
    expectError(await single.client.post('/api/auth/register', registration()), 403, 'REGISTRATION_DISABLED');
  });

  test('of two who register at once only one gets in', async () => {
    await using single = await startLocalApp({ auth: { multiTenant: false } });
    const answers = await Promise.all(
      ['One', 'Two', 'Three'].map((org_name) => single.client.post('/api/auth/register', registration({ org_name }))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 403, 403]);
  });
});

test('too many attempts are refused for a while, by account and by address', async () => {
  await using other = await startLocalApp();
  const attempt = (email: string) => other.client.post('/api/auth/login', { email, password: '' });
  const guess = (email: string) => other.client.post('/api/auth/login', { email, password: 'x' });
  const guesses = await Promise.all(Array.from({ length: 11 }, () => guess('ada@example.org')));
  const refused = guesses.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(1);
  for (const answer of refused) {
    expectError(answer, 429, 'RATE_LIMITED', 'too many attempts');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect((await guess('ADA@example.org ')).status).toBe(429);
  expect((await guess('ben@example.org')).status).toBe(401);
  const others = await Promise.all(Array.from({ length: 20 }, (_, index) => attempt(`${index}@example.org`)));
  expect(others.at(-1)?.status).toBe(429);
  expect((await other.client.get('/health')).status).toBe(200);
});

test('attempts are counted by where they come from, as far as a known proxy says so', async () => {
  for (const [trustedProxies, expected] of [
    [['127.0.0.0/8'], 400],
    [[], 429],
  ] as const) {
    await using other = await startLocalApp({ trustedProxies: [...trustedProxies] });
    const from = (address: string) =>
      other.client.send('POST', '/api/auth/login', { body: {}, headers: { 'x-forwarded-for': address } });
    const first = await Promise.all(Array.from({ length: 31 }, () => from('192.0.2.1')));
    expect(first.at(-1)?.status).toBe(429);
    expect((await from('192.0.2.2')).status).toBe(expected);
  }
});

test('who guesses at an account keeps its owner out neither elsewhere nor, alone, for long', async () => {
  await using other = await startLocalApp({ trustedProxies: ['127.0.0.0/8'] });
  const { email } = await owner(other);
  const from = (address: string, password: string) =>
    other.client.send('POST', '/api/auth/login', {
      body: { email, password },
      headers: { 'x-forwarded-for': address },
    });
  const guesses = (address: string) => Promise.all(Array.from({ length: 11 }, () => from(address, 'x')));
  expect((await guesses('192.0.2.1')).at(-1)?.status).toBe(429);
  expect((await from('192.0.2.2', password)).status).toBe(200);
  for (let host = 3; host < 12; host += 1) await guesses(`192.0.2.${host}`);
  expectError(await from('192.0.2.2', password), 429, 'RATE_LIMITED');
});

test('who is not signed in sends small bodies only', async () => {
  const body = { email: newEmail(), password: 'x'.repeat(65 * 1024) };
  for (const path of ['login', 'register', 'register/invite', 'refresh'])
    expectError(await app.client.post(`/api/auth/${path}`, body), 413, 'PAYLOAD_TOO_LARGE');
});

test('a server without sign-in lets nobody sign in or register, nor get what would be good with it', async () => {
  await using open = await startTestApp();
  for (const [path, body] of [
    ['/api/auth/login', { email: 'a@b', password }],
    ['/api/auth/register', registration()],
    ['/api/auth/register/invite', { ...registration(), token: 'x' }],
    ['/api/auth/refresh', { refresh_token: 'x' }],
    ['/api/auth/keys', { name: 'x' }],
    ['/api/org/invites', {}],
    [`/api/org/members/${defaultUserId}/reset-password`, {}],
  ] as const)
    expectError(await open.client.post(path, body), 403, 'SIGN_IN_OFF');
  expect((await open.client.get('/api/org')).body).toMatchObject({ name: 'Default', slug: 'default' });
  expect((await open.client.get('/api/org/members')).body).toMatchObject([{ email: 'admin@agentcrew.local' }]);
});
