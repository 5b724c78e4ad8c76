import { createHmac } from 'node:crypto';
import { waitFor } from '@agentcrew/testkit';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { member, owner, type Person, password, signIn, startLocalApp } from '../support/accounts.ts';
import { createClient } from '../support/client.ts';
import { expectError } from '../support/expect-error.ts';
import type { TestApp } from '../support/test-app.ts';

const jwtSecret = 'a secret of at least thirty-two characters';

let app: TestApp;
let ada: Person;
beforeAll(async () => {
  app = await startLocalApp({ auth: { jwtSecret } });
  ada = await owner(app);
});
afterAll(() => app.close());

const refresh = (refresh_token: string) => app.client.post('/api/auth/refresh', { refresh_token });
const me = (token: string) => createClient(app.url, token).get('/api/auth/me');

async function expectStranger(token: string): Promise<void> {
  const answer = await me(token);
  expectError(answer, 401, 'UNAUTHENTICATED');
  expect(answer.headers.get('www-authenticate')).toBe('Bearer');
}

describe('a refresh token', () => {
  test('gives another pair, once; used again it ends the session, for thief and owner', async () => {
    const first = await signIn(app, ada.email);
    const bystander = await signIn(app, ada.email);
    const { status, body: second } = await refresh(first.refresh_token);
    expect({ status, keys: Object.keys(second).sort() }).toEqual({
      status: 200,
      keys: ['access_token', 'expires_in', 'refresh_token'],
    });
    expect((await me(second.access_token)).status).toBe(200);
    const { body: third } = await refresh(second.refresh_token);
    expect((await me(third.access_token)).status).toBe(200);

    expectError(await refresh(first.refresh_token), 401, 'UNAUTHENTICATED');
    expectError(await refresh(third.refresh_token), 401, 'UNAUTHENTICATED');
    for (const { access_token } of [first, second, third]) await expectStranger(access_token);
    expect((await me(bystander.access_token)).status).toBe(200);
    expect((await refresh(bystander.refresh_token)).status).toBe(200);
  });

  test('sent by several tabs at the same time gives them one pair; after that it is a stolen one', async () => {
    const { refresh_token } = await signIn(app, ada.email);
    const [first, ...others] = await Promise.all([1, 2, 3].map(() => refresh(refresh_token)));
    expect(first?.status).toBe(200);
    for (const { body } of others) expect(body).toEqual(first?.body);
    expect((await me(first?.body.access_token)).status).toBe(200);
    expect((await refresh(refresh_token)).body, 'one that waited behind them').toEqual(first?.body);
    await waitFor('the pair to be stolen', async () => (await refresh(refresh_token)).status === 401);
    expectError(await refresh(first?.body.refresh_token), 401, 'UNAUTHENTICATED');
    await expectStranger(first?.body.access_token);
  });

  test('sent by several at the same time when it is a used one is refused to all', async () => {
    const { refresh_token } = await signIn(app, ada.email);
    await refresh(refresh_token);
    const answers = await Promise.all([1, 2, 3].map(() => refresh(refresh_token)));
    for (const answer of answers) expectError(answer, 401, 'UNAUTHENTICATED');
  });

  test('is no access token, and the reverse', async () => {
    const { refresh_token, access_token } = await signIn(app, ada.email);
    await expectStranger(refresh_token);
    expectError(await refresh(access_token), 401, 'UNAUTHENTICATED');
    expectError(await app.client.post('/api/auth/refresh', {}), 400, 'INVALID_REQUEST', 'refresh_token is required');
    expect((await refresh(refresh_token)).status).toBe(200);
  });

  test('expires', async () => {
    await using hasty = await startLocalApp({ auth: { refreshTtlMs: 1 } });
    const ben = await owner(hasty);
    expectError(
      await hasty.client.post('/api/auth/refresh', { refresh_token: ben.refresh_token }),
      401,
      'UNAUTHENTICATED',
    );
    expectError(await ben.client.get('/api/auth/me'), 401, 'UNAUTHENTICATED');
  });

  test('is stored as its hash alone', async () => {
    const { refresh_token } = await signIn(app, ada.email);
    expect(app.db.refreshTokens.byHash(refresh_token)).toBeUndefined();
  });
});

describe('an access token', () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  const signed = (claims: object, secret = jwtSecret, alg = 'HS256') => {
    const body = `${part({ alg, typ: 'JWT' })}.${part(claims)}`;
    return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
  };

  test('says who and for how long, and no secret', () => {
    const claims = claimsOf(ada.access_token);
    expect(claims).toEqual({
      sub: ada.id,
      org_id: ada.org_id,
      email: ada.email,
      name: 'Owner',
      role: 'admin',
      type: 'access',
      epoch: 0,
      sid: expect.any(String),
      iat: expect.any(Number),
      exp: claims.iat + 900,
    });
  });

  test('is good as it was made', async () => {
    expect((await me(signed(claimsOf(ada.access_token)))).status).toBe(200);
  });

  test.each([
    ['expired', (claims: object) => signed({ ...claims, iat: 1, exp: 2 })],
    ['without an end', (claims: object) => signed({ ...claims, exp: undefined })],
    ['of another secret', (claims: object) => signed(claims, 'another secret of thirty-two characters')],
    ['of another epoch', (claims: object) => signed({ ...claims, epoch: 7 })],
    ['of another session', (claims: object) => signed({ ...claims, sid: 'x' })],
    ['of another type', (claims: object) => signed({ ...claims, type: 'refresh' })],
    ['of another user', (claims: object) => signed({ ...claims, sub: '00000000-0000-0000-0000-000000000009' })],
    ['with alg none', (claims: object) => `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`],
    ['that says it is HS512', (claims: object) => signed(claims, jwtSecret, 'HS512')],
    ['without claims', () => signed({})],
    ['of nonsense', () => 'a.b.c'],
  ])('%s is nobody’s', async (_what, forge) => {
    await expectStranger(forge(claimsOf(ada.access_token)));
  });

  test('whose claims were changed is nobody’s', async () => {
    const ben = await member(app, ada);
    const [head, , signature] = ben.access_token.split('.');
    await expectStranger(`${head}.${part({ ...claimsOf(ben.access_token), sub: ada.id })}.${signature}`);
  });

  test('of another algorithm of the same key is nobody’s', async () => {
    const key = Buffer.from(jwtSecret);
    await expectStranger(await new SignJWT(claimsOf(ada.access_token)).setProtectedHeader({ alg: 'HS384' }).sign(key));
  });

  test.each<Record<string, string>>([
    {},
    { authorization: '' },
    { authorization: 'Basic abc' },
    { authorization: 'Bearer' },
  ])('is needed: %j', async (headers) => {
    for (const path of ['/api/teams', '/api/nothing/here', '/api/auth/me'])
      expectError(await app.client.send('GET', path, { headers }), 401, 'UNAUTHENTICATED');
  });

  test('does not count in the address of a request', async () => {
    expectError(await app.client.get(`/api/teams?token=${ada.access_token}`), 401, 'UNAUTHENTICATED');
  });
});

test('signing out ends the session at once, and no other', async () => {
  const [here, there] = [await signIn(app, ada.email), await signIn(app, ada.email)];
  expect((await here.client.post('/api/auth/logout')).status).toBe(200);
  await expectStranger(here.access_token);
  expectError(await refresh(here.refresh_token), 401, 'UNAUTHENTICATED');
  expect((await me(there.access_token)).status).toBe(200);
});

describe('a changed password', () => {
  test('ends the other sessions; this one goes on with a new access token', async () => {
    const ben = await member(app, ada);
    const other = await signIn(app, ben.email);
    const change = { current_password: password, new_password: 'Another-Horse-2' };
    const { status, body } = await ben.client.put('/api/auth/me/password', change);
    expect({ status, message: body.message }).toEqual({ status: 200, message: 'password changed' });
    for (const { access_token } of [ben, other]) await expectStranger(access_token);
    expectError(await refresh(other.refresh_token), 401, 'UNAUTHENTICATED');
    expect((await me(body.access_token)).status).toBe(200);
    expect((await refresh(ben.refresh_token)).status).toBe(200);
    await expect(signIn(app, ben.email)).rejects.toThrow('401');
    expect(await signIn(app, ben.email, 'Another-Horse-2')).toMatchObject({ id: ben.id });
  });

  test('needs the present one and has to be a good one', async () => {
    const ben = await member(app, ada);
    const change = (current_password: string, new_password: string) =>
      ben.client.put('/api/auth/me/password', { current_password, new_password });
    expectError(
      await change('Wrong-Horse-1', 'Another-Horse-2'),
      401,
      'INVALID_CREDENTIALS',
      'current password is incorrect',
    );
    expectError(await change(password, 'short'), 400, 'INVALID_REQUEST', 'password must be at least 8 characters');
    expectError(
      await ben.client.put('/api/auth/me/password', {}),
      400,
      'INVALID_REQUEST',
      'current_password is required',
    );
    expect((await me(ben.access_token)).status).toBe(200);
  });
});

test('one’s own name can be changed', async () => {
  const ben = await member(app, ada);
  const { body } = await ben.client.put('/api/auth/me', { name: ' Ben ' });
  expect(body).toMatchObject({ id: ben.id, name: 'Ben', role: 'member' });
  expect(body).not.toHaveProperty('must_change_password');
  expectError(await ben.client.put('/api/auth/me', { name: ' ' }), 400, 'INVALID_REQUEST', 'name is required');
});
