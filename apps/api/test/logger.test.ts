import { loggerOptions } from '@agentcrew/api/logger.ts';
import pino from 'pino';
import { afterEach, expect, test } from 'vitest';
import { owner, password, signIn, startLocalApp } from './support/accounts.ts';
import { createClient } from './support/client.ts';
import { openSocket, refusal } from './support/sockets.ts';
import type { TestApp } from './support/test-app.ts';

let app: TestApp | undefined;
afterEach(() => app?.close());

function capture() {
  const lines: string[] = [];
  const log = pino(loggerOptions('trace'), { write: (line: string) => void lines.push(line) });
  return { log, text: () => lines.join('') };
}

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl';
const random = 'AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE';

test.each([
  ['a field', { token: random }],
  ['a field of a field', { body: { refresh_token: random } }],
  ['a header', { req: { headers: { authorization: `Bearer ${random}` } } }],
  ['the address of a WebSocket', { url: `/ws/teams/x/activity?since=1&token=${random}&x=1` }],
  ['a ticket in an error', { err: new Error(`cannot open /ws/x?ticket=${random}`) }],
  ['a token by its form', { note: `Bearer ${jwt}` }],
  ['a key by its form', { note: `used ack_${random}` }],
  ['the address of an invite', { url: `/api/auth/invite/${random}` }],
  ['the address of a webhook', { url: `/webhook/trigger/${random}?x=1` }],
])('%s is blanked', (_what, object) => {
  const { log, text } = capture();
  log.info(object, 'it happened');
  expect(text()).toContain('[redacted]');
  expect(text()).not.toMatch(new RegExp(`${random}|${jwt}`));
  expect(JSON.parse(text())).toMatchObject({ msg: 'it happened' });
});

test('what people sign in with is in no line of the log', async () => {
  const { log, text } = capture();
  app = await startLocalApp({ log });
  const ada = await owner(app);
  const again = await signIn(app, ada.email);
  const { id } = await ada.client.createTeam();
  const { body: made } = await ada.client.post('/api/auth/keys', { name: 'x' });
  const { body: invite } = await ada.client.post('/api/org/invites', {});
  const { body: issued } = await ada.client.post('/api/auth/ws-ticket');
  const path = `/ws/teams/${id}/activity`;
  for (const query of [`token=${ada.access_token}`, `ticket=${issued.ticket}`])
    (await openSocket(app.port, `${path}?${query}`)).close();
  await refusal(app.port, `${path}?since=x&token=${ada.access_token}`);
  await refusal(app.port, `/ws/%zz?token=${ada.access_token}`);
  await app.client.get(`/api/auth/invite/${invite.token}`);
  await app.client.post(`/api/auth/invite/${invite.token}`);
  await app.client.post('/api/auth/login', { email: ada.email, password: 'Wrong-Horse-1' });
  const { refresh_token } = again;
  for (const _ of [1, 2]) await app.client.post('/api/auth/refresh', { refresh_token });
  app.db[Symbol.dispose]();
  const broken = [ada.access_token, made.key].map((token) => createClient(app?.url ?? '', token).get('/api/teams'));
  for (const { status } of await Promise.all(broken)) expect(status).toBe(500);

  expect(text()).toMatch(/signed in.*refresh token used twice.*request failed/s);
  const secrets = [password, 'Wrong-Horse-1', made.key, invite.token, issued.ticket];
  for (const { access_token, refresh_token } of [ada, again]) secrets.push(access_token, refresh_token);
  for (const secret of secrets) expect(text()).not.toContain(secret);
});
