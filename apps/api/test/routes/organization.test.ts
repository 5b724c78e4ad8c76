import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { member, newEmail, owner, type Person, password, signIn, startLocalApp } from '../support/accounts.ts';
import { createClient } from '../support/client.ts';
import { expectError } from '../support/expect-error.ts';
import type { TestApp } from '../support/test-app.ts';

let app: TestApp;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  app = await startLocalApp();
  ada = await owner(app);
  ben = await member(app, ada);
});
afterAll(() => app.close());

const setRole = (by: Person, { id }: { id: string }, role: string) =>
  by.client.put(`/api/org/members/${id}/role`, { role });

describe('the organisation', () => {
  test('is shown to members, and renamed by admins; its slug stays', async () => {
    const { body } = await ben.client.get('/api/org');
    expectError(await ben.client.put('/api/org', { name: 'Mine' }), 403, 'FORBIDDEN');
    expectError(await ada.client.put('/api/org', { name: '' }), 400, 'INVALID_REQUEST', 'name is required');
    const renamed = await ada.client.put('/api/org', { name: 'Renamed' });
    expect(renamed.body).toEqual({ ...body, name: 'Renamed', updated_at: expect.any(String) });
  });

  test('lists its members', async () => {
    const { body } = await ben.client.get('/api/org/members');
    const created_at = expect.any(String);
    expect(body.slice(0, 2)).toEqual([
      { id: ada.id, email: ada.email, name: 'Owner', role: 'admin', is_owner: true, created_at },
      { id: ben.id, email: ben.email, name: 'Member', role: 'member', is_owner: false, created_at },
    ]);
  });
});

describe('an invite', () => {
  test('is shown again, lets its addressee in once, and is then used', async () => {
    const email = newEmail();
    const { status, body: invite } = await ada.client.post('/api/org/invites', { email });
    expect({ status, invite }).toMatchObject({ status: 201, invite: { email, token: expect.any(String) } });
    const days = (Date.parse(invite.expires_at) - Date.now()) / 86_400_000;
    expect(days).toBeCloseTo(7, 1);
    expect((await ada.client.get('/api/org/invites')).body[0]).toMatchObject({ id: invite.id, token: invite.token });
    const shown = await app.client.get(`/api/auth/invite/${invite.token}`);
    expect(shown.body).toEqual({ org_name: expect.any(String), email });

    const join = (more: object) =>
      app.client.post('/api/auth/register/invite', { token: invite.token, name: 'Cy', email, password, ...more });
    expectError(await join({ email: newEmail() }), 400, 'INVITE_INVALID', 'another email address');
    expectError(await join({ token: 'x' }), 400, 'INVITE_INVALID');
    expectError(await join({ password: 'x' }), 400, 'INVALID_REQUEST', 'password must be at least');
    const joined = await join({});
    expect(joined).toMatchObject({
      status: 201,
      body: { user: { org_id: ada.org_id, role: 'member', is_owner: false }, organization: { id: ada.org_id } },
    });
    expectError(await join({ email: newEmail() }), 400, 'INVITE_INVALID');
    expectError(await app.client.get(`/api/auth/invite/${invite.token}`), 404, 'INVITE_NOT_FOUND');
    const [used] = (await ada.client.get('/api/org/invites')).body;
    expect(used).toMatchObject({ id: invite.id, used_at: expect.any(String) });
    expect(used).not.toHaveProperty('token');
  });

  test('without an address lets anybody in', async () => {
    const { body } = await ada.client.post('/api/org/invites');
    const email = newEmail();
    const joined = await app.client.post('/api/auth/register/invite', {
      token: body.token,
      name: 'Di',
      email,
      password,
    });
    expect(joined.status).toBe(201);
  });

  test('withdrawn is worth nothing', async () => {
    const { body } = await ada.client.post('/api/org/invites', { email: newEmail() });
    expect((await ada.client.delete(`/api/org/invites/${body.id}`)).status).toBe(204);
    expectError(await ada.client.delete(`/api/org/invites/${body.id}`), 404, 'INVITE_NOT_FOUND');
    expectError(await app.client.get(`/api/auth/invite/${body.token}`), 404, 'INVITE_NOT_FOUND');
  });

  test('expires', async () => {
    const values = { org_id: ada.org_id, email: null, token: 't', token_hash: '', expires_at: new Date(1) };
    const { id } = app.db.invites.insert(values);
    expect((await ada.client.get('/api/org/invites')).body.map((one: { id: string }) => one.id)).toContain(id);
    expect(app.db.invites.openByHash('', new Date())).toBeUndefined();
    app.db.invites.delete(ada.org_id, id);
  });

  test.each([
    ['a member', 'already a member of this organization', async () => ben.email],
    [
      'somebody of another organisation',
      'already registered in another organization',
      async () => (await owner(app)).email,
    ],
    [
      'somebody who has one',
      'active invite already exists',
      async () => (await ada.client.post('/api/org/invites', { email: newEmail() })).body.email,
    ],
  ])('for %s is refused', async (_who, text, email) => {
    expectError(await ada.client.post('/api/org/invites', { email: await email() }), 409, 'INVITE_REFUSED', text);
  });

  test('is for admins to make, see and withdraw', async () => {
    const { body } = await ada.client.post('/api/org/invites', {});
    expectError(await ben.client.get('/api/org/invites'), 403, 'FORBIDDEN');
    expectError(await ben.client.post('/api/org/invites', {}), 403, 'FORBIDDEN');
    expectError(await ben.client.delete(`/api/org/invites/${body.id}`), 403, 'FORBIDDEN');
  });
});

describe('roles', () => {
  test('hold from the next request on', async () => {
    const cy = await member(app, ada);
    expectError(await cy.client.put('/api/org', { name: 'X' }), 403, 'FORBIDDEN');
    expect(await setRole(ada, cy, 'admin')).toMatchObject({ status: 200, body: { id: cy.id, role: 'admin' } });
    expect((await cy.client.get('/api/org/invites')).status).toBe(200);
    expect((await setRole(cy, cy, 'member')).status).toBe(200);
    expectError(await cy.client.get('/api/org/invites'), 403, 'FORBIDDEN');
  });

  test('the owner stays an admin, and every organisation has one', async () => {
    const cy = await member(app, ada);
    await setRole(ada, cy, 'admin');
    expectError(await setRole(cy, ada, 'member'), 403, 'FORBIDDEN', 'owner');
    expectError(await setRole(ada, ada, 'member'), 403, 'FORBIDDEN');
  });

  test.each(['owner', '', 1])('%j is none', async (role) => {
    expectError(await ada.client.put(`/api/org/members/${ben.id}/role`, { role }), 400, 'INVALID_REQUEST');
  });

  test('are for admins to give, to members there are', async () => {
    expectError(await setRole(ben, ben, 'admin'), 403, 'FORBIDDEN');
    expectError(await setRole(ada, { id: 'nobody' }, 'admin'), 404, 'MEMBER_NOT_FOUND');
    expectError(await setRole(ada, await owner(app), 'member'), 404, 'MEMBER_NOT_FOUND');
  });
});

describe('a password that was reset', () => {
  test('ends the sessions; with the temporary one nothing but a change is possible', async () => {
    const cy = await member(app, ada);
    const { status, body } = await ada.client.post(`/api/org/members/${cy.id}/reset-password`);
    expect({ status, body }).toEqual({
      status: 200,
      body: { temporary_password: expect.stringMatching(/^[\w-]{22}$/) },
    });
    expectError(await cy.client.get('/api/auth/me'), 401, 'UNAUTHENTICATED');
    const login = { email: cy.email, password: body.temporary_password };
    const answer = await app.client.post('/api/auth/login', login);
    expect(answer.body).toMatchObject({ must_change_password: true });
    const back = createClient(app.url, answer.body.access_token);
    expect((await back.get('/api/auth/me')).body.user.must_change_password).toBe(true);
    for (const path of ['/api/teams', '/api/org', '/api/auth/keys'])
      expectError(await back.get(path), 403, 'PASSWORD_CHANGE_REQUIRED');
    const change = { current_password: body.temporary_password, new_password: password };
    const changed = await back.put('/api/auth/me/password', change);
    expect(changed.status).toBe(200);
    expect((await createClient(app.url, changed.body.access_token).get('/api/teams')).status).toBe(200);
    expect((await app.client.post('/api/auth/login', { ...login, password })).body).not.toHaveProperty(
      'must_change_password',
    );
  });

  test('is not one’s own, the owner’s, or for members to reset', async () => {
    const cy = await member(app, ada);
    await setRole(ada, cy, 'admin');
    const reset = (by: Person, { id }: Person) => by.client.post(`/api/org/members/${id}/reset-password`);
    expectError(await reset(ada, ada), 400, 'INVALID_REQUEST');
    expectError(await reset(cy, ada), 403, 'FORBIDDEN', 'owner');
    expectError(await reset(ben, cy), 403, 'FORBIDDEN');
  });
});

describe('a member who is removed', () => {
  test('is out at once, with their keys, and may come back', async () => {
    const cy = await member(app, ada);
    const { body: made } = await cy.client.post('/api/auth/keys', { name: 'script' });
    expect((await createClient(app.url, made.key).get('/api/teams')).status).toBe(200);
    expect((await ada.client.delete(`/api/org/members/${cy.id}`)).status).toBe(204);
    for (const token of [cy.access_token, made.key])
      expectError(await createClient(app.url, token).get('/api/teams'), 401, 'UNAUTHENTICATED');
    const { refresh_token } = cy;
    expectError(await app.client.post('/api/auth/refresh', { refresh_token }), 401, 'UNAUTHENTICATED');
    await expect(signIn(app, cy.email)).rejects.toThrow('401');
    expect((await ada.client.post('/api/org/invites', { email: cy.email })).status).toBe(201);
  });

  test('is not oneself, the owner, or anybody when a member asks', async () => {
    const cy = await member(app, ada);
    await setRole(ada, cy, 'admin');
    expectError(await ada.client.delete(`/api/org/members/${ada.id}`), 400, 'INVALID_REQUEST');
    expectError(await cy.client.delete(`/api/org/members/${ada.id}`), 403, 'FORBIDDEN', 'owner');
    expectError(await ben.client.delete(`/api/org/members/${cy.id}`), 403, 'FORBIDDEN');
    expectError(await ada.client.delete('/api/org/members/nobody'), 404, 'MEMBER_NOT_FOUND');
  });
});
