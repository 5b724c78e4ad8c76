import type { Answer, Client } from './client.ts';
import { createClient } from './client.ts';
import { startTestApp, type TestApp, type TestAppOptions } from './test-app.ts';

export const password = 'Correct-Horse-1';

/** Somebody who is signed in. */
export interface Person {
  client: Client;
  email: string;
  id: string;
  org_id: string;
  access_token: string;
  refresh_token: string;
}

let people = 0;

/** A server with sign-in, where everybody may found an organisation. */
export function startLocalApp({ auth, ...options }: TestAppOptions = {}): Promise<TestApp> {
  const ttl = { accessTtlMs: 900_000, refreshTtlMs: 604_800_000 };
  return startTestApp({ ...options, auth: { provider: 'local', multiTenant: true, ...ttl, ...auth } });
}

/** The owner of a new organisation. */
export async function owner(app: TestApp, orgName = `Org ${people + 1}`): Promise<Person> {
  const email = newEmail();
  return person(
    app,
    await app.client.post('/api/auth/register', { org_name: orgName, name: 'Owner', email, password }),
  );
}

/** A member of the admin's organisation. */
export async function member(app: TestApp, admin: Person): Promise<Person> {
  const email = newEmail();
  const { body: invite } = await admin.client.post('/api/org/invites', { email });
  const registration = { token: invite.token, name: 'Member', email, password };
  return person(app, await app.client.post('/api/auth/register/invite', registration));
}

/** Whoever the answer to a registration or sign-in is about. */
export function person(app: TestApp, { status, body, text }: Answer): Person {
  if (status >= 300) throw new Error(`not signed in: ${status} ${text}`);
  const { access_token, refresh_token, user } = body;
  const { id, org_id, email } = user;
  return { client: createClient(app.url, access_token), id, org_id, email, access_token, refresh_token };
}

export async function signIn(app: TestApp, email: string, word = password): Promise<Person> {
  return person(app, await app.client.post('/api/auth/login', { email, password: word }));
}

export function newEmail(): string {
  people += 1;
  return `person-${people}@example.org`;
}
