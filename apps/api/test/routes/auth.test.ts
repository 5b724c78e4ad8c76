import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  // As `MULTI_TENANT` is unless somebody says otherwise.
  app = await startTestApp({ auth: { multiTenant: true } });
});
afterAll(() => app.close());

test('the way to sign in is none', async () => {
  const { status, body } = await app.client.get('/api/auth/config');
  expect({ status, body }).toEqual({
    status: 200,
    body: { provider: 'noop', registration_enabled: false, multi_tenant: false },
  });
});

test.each([
  ['no header', {}],
  ['a token of another server', { authorization: 'Bearer abc.def.ghi' }],
  ['a header that is no token', { authorization: 'nonsense' }],
])('everybody is the owner, with %s', async (_what, headers) => {
  const { status, body } = await app.client.send('GET', '/api/auth/me', { headers });
  const organization = '00000000-0000-0000-0000-000000000000';
  const times = { created_at: expect.any(String), updated_at: expect.any(String) };
  expect({ status, body }).toEqual({
    status: 200,
    body: {
      user: {
        id: '00000000-0000-0000-0000-000000000001',
        org_id: organization,
        email: 'admin@agentcrew.local',
        name: 'Admin',
        role: 'admin',
        is_owner: true,
        must_change_password: false,
        ...times,
      },
      organization: { id: organization, name: 'Default', slug: 'default', ...times },
    },
  });
  expect(Number.isNaN(Date.parse(body.user.created_at))).toBe(false);
});
