import { afterAll, beforeAll, expect, test } from 'vitest';
import { member, owner, type Person, startLocalApp } from '../support/accounts.ts';
import { type Client, createClient } from '../support/client.ts';
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

async function makeKey(by: Person, more: object = {}): Promise<{ id: string; key: string; client: Client }> {
  const { status, body, text } = await by.client.post('/api/auth/keys', { name: 'script', ...more });
  if (status !== 201) throw new Error(text);
  return { id: body.id, key: body.key, client: createClient(app.url, body.key) };
}

test('a key is shown once, and works like its maker', async () => {
  const { status, body } = await ada.client.post('/api/auth/keys', { name: 'ci', role: 'admin' });
  expect({ status, body }).toMatchObject({
    status: 201,
    body: {
      name: 'ci',
      role: 'admin',
      user_id: ada.id,
      key: expect.stringMatching(/^ack_[\w-]{43}$/),
      expires_at: null,
    },
  });
  expect(body.key.startsWith(body.prefix)).toBe(true);
  const client = createClient(app.url, body.key);
  expect((await client.get('/api/auth/me')).body.user.id).toBe(ada.id);
  expect((await client.put('/api/org', { name: 'Acme' })).status).toBe(200);
  const listed = await ada.client.get('/api/auth/keys');
  expect(listed.text).not.toContain(body.key);
  expect(listed.body).toMatchObject([{ id: body.id, last_used_at: expect.any(String) }]);
  expect(app.db.apiKeys.byHash(body.key)).toBeUndefined();
});

test('a key can do at most what its maker can do now', async () => {
  expectError(await ben.client.post('/api/auth/keys', { name: 'x', role: 'admin' }), 403, 'FORBIDDEN');
  const weak = await makeKey(ada);
  expectError(await weak.client.get('/api/org/invites'), 403, 'FORBIDDEN');
  const cy = await member(app, ada);
  await ada.client.put(`/api/org/members/${cy.id}/role`, { role: 'admin' });
  const strong = await makeKey(cy, { role: 'admin' });
  expect((await strong.client.get('/api/org/invites')).status).toBe(200);
  await ada.client.put(`/api/org/members/${cy.id}/role`, { role: 'member' });
  expectError(await strong.client.get('/api/org/invites'), 403, 'FORBIDDEN');
});

test('a key neither sees nor revokes those that can do more', async () => {
  const [weak, strong] = [await makeKey(ada), await makeKey(ada, { role: 'admin' })];
  const seen = (await weak.client.get('/api/auth/keys')).body.map(({ id }: { id: string }) => id);
  expect([seen.includes(weak.id), seen.includes(strong.id)]).toEqual([true, false]);
  expectError(await weak.client.delete(`/api/auth/keys/${strong.id}`), 404, 'API_KEY_NOT_FOUND');
  expect((await strong.client.get('/api/org/invites')).status).toBe(200);
  expect((await weak.client.delete(`/api/auth/keys/${weak.id}`)).status).toBe(204);
});

test('a key cannot make keys', async () => {
  const { client } = await makeKey(ada, { role: 'admin' });
  expectError(await client.post('/api/auth/keys', { name: 'another' }), 403, 'FORBIDDEN');
});

test('a key that has expired or was revoked is nobody’s', async () => {
  const past = new Date(Date.now() - 1000).toISOString();
  expectError(await ada.client.post('/api/auth/keys', { name: 'x', expires_at: past }), 400, 'INVALID_REQUEST');
  const lasting = await makeKey(ada, { expires_at: new Date(Date.now() + 60_000).toISOString() });
  expect((await lasting.client.get('/api/teams')).status).toBe(200);
  const values = { org_id: ada.org_id, user_id: ada.id, name: 'old', role: 'admin' as const, prefix: 'ack_' };
  const key_hash = (await import('@agentcrew/api/auth/secrets.ts')).hashOf('ack_old');
  app.db.apiKeys.insert({ ...values, key_hash, expires_at: new Date(Date.now() - 1) });
  expectError(await createClient(app.url, 'ack_old').get('/api/teams'), 401, 'UNAUTHENTICATED');
  expect((await ada.client.delete(`/api/auth/keys/${lasting.id}`)).status).toBe(204);
  expectError(await lasting.client.get('/api/teams'), 401, 'UNAUTHENTICATED');
  expectError(await createClient(app.url, 'ack_nonsense').get('/api/teams'), 401, 'UNAUTHENTICATED');
});

test('members see and revoke their own keys, admins those of all', async () => {
  const [hers, his] = [await makeKey(ada), await makeKey(ben)];
  const idsFor = async ({ client }: Person) => {
    const { body } = await client.get('/api/auth/keys');
    return body.map(({ id }: { id: string }) => id);
  };
  expect(await idsFor(ben)).toEqual([his.id]);
  expect(await idsFor(ada)).toEqual(expect.arrayContaining([hers.id, his.id]));
  expectError(await ben.client.delete(`/api/auth/keys/${hers.id}`), 404, 'API_KEY_NOT_FOUND');
  expect((await ada.client.delete(`/api/auth/keys/${his.id}`)).status).toBe(204);
  expectError(await ada.client.delete(`/api/auth/keys/${his.id}`), 404, 'API_KEY_NOT_FOUND');
  expect(await idsFor(ben)).toEqual([]);
});
