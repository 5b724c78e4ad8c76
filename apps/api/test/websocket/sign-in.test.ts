import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { member, owner, type Person, password, startLocalApp } from '../support/accounts.ts';
import { createClient } from '../support/client.ts';
import { openSocket, refusal } from '../support/sockets.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
let ada: Person;
let path: string;
beforeEach(async () => {
  // No timer closes a socket here.
  app = await startLocalApp();
  ada = await owner(app);
  path = `/ws/teams/${(await ada.client.createTeam()).id}/activity`;
});
afterEach(() => app.close());

async function ticketOf({ client }: { client: Person['client'] }): Promise<string> {
  const { status, body } = await client.post('/api/auth/ws-ticket');
  expect({ status, body }).toEqual({ status: 200, body: { ticket: expect.any(String), expires_in: 30 } });
  return body.ticket;
}

async function makeKey(by: Person): Promise<{ id: string; key: string }> {
  return (await by.client.post('/api/auth/keys', { name: 'x' })).body;
}

describe('a WebSocket', () => {
  test('opens with an access token, an API key or a ticket, and in a header too', async () => {
    const { key } = await makeKey(ada);
    for (const query of [
      `token=${ada.access_token}`,
      `token=${key}`,
      `ticket=${await ticketOf(ada)}`,
      `ticket=${await ticketOf({ client: createClient(app.url, key) })}`,
    ]) {
      const socket = await openSocket(app.port, `${path}?since=0&${query}`);
      socket.close();
      expect(await socket.closed).toMatchObject({ code: 1005 });
    }
  });

  test.each(['', '?token=', '?token=nonsense', '?ticket=nonsense', '?token=a&token=b'])(
    'is refused before the upgrade with %j',
    async (query) => {
      expect(await refusal(app.port, path + query)).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
    },
  );

  test('is not opened by a refresh token', async () => {
    expect(await refusal(app.port, `${path}?token=${ada.refresh_token}`)).toMatchObject({ status: 401 });
  });

  test('of another organisation’s team says that there is none', async () => {
    const { access_token } = await owner(app);
    for (const one of [path, path.replace('activity', 'logs'), path.replace('activity', 'logs/x')]) {
      const socket = await openSocket(app.port, `${one}?token=${access_token}`);
      expect(await socket.closed).toMatchObject({ code: 1008, reason: 'team not found' });
      expect(socket.frames).toEqual([{ error: 'team not found' }]);
    }
  });
});

test('a WebSocket of a server without sign-in ignores what it is opened with', async () => {
  await using open = await startTestApp();
  const { id } = await open.client.createTeam();
  for (const query of ['token=of-another-server', 'ticket=x']) {
    const socket = await openSocket(open.port, `/ws/teams/${id}/activity?${query}`);
    socket.close();
    expect(await socket.closed).toMatchObject({ code: 1005 });
  }
});

describe('a ticket', () => {
  test('opens one', async () => {
    const ticket = await ticketOf(ada);
    const socket = await openSocket(app.port, `${path}?ticket=${ticket}`);
    expect(await refusal(app.port, `${path}?ticket=${ticket}`)).toMatchObject({ status: 401 });
    socket.close();
  });

  test('is worth nothing once its holder has signed out', async () => {
    const ticket = await ticketOf(ada);
    await ada.client.post('/api/auth/logout');
    expect(await refusal(app.port, `${path}?ticket=${ticket}`)).toMatchObject({ status: 401 });
  });

  test('opens nothing else', async () => {
    const ticket = await ticketOf(ada);
    expect(await createClient(app.url, ticket).get('/api/teams')).toMatchObject({ status: 401 });
    expect(await app.client.get(`/api/teams?ticket=${ticket}`)).toMatchObject({ status: 401 });
  });
});

describe('an open WebSocket is closed', () => {
  async function opened(query: string) {
    const socket = await openSocket(app.port, `${path}?${query}`);
    return { expectClosed: async () => expect(await socket.closed).toEqual({ code: 1008, reason: 'signed out' }) };
  }

  test('when its session ends', async () => {
    const [byToken, byTicket] = [
      await opened(`token=${ada.access_token}`),
      await opened(`ticket=${await ticketOf(ada)}`),
    ];
    await ada.client.post('/api/auth/logout');
    await byToken.expectClosed();
    await byTicket.expectClosed();
  });

  test('however the path is written', async () => {
    const socket = await opened(`token=${ada.access_token}`);
    await ada.client.post('/API/%61uth/logout');
    await socket.expectClosed();
  });

  test('when its holder is removed', async () => {
    const ben = await member(app, ada);
    const socket = await opened(`token=${ben.access_token}`);
    await ada.client.delete(`/api/org/members/${ben.id}`);
    await socket.expectClosed();
  });

  test('when the password is changed or reset', async () => {
    const ben = await member(app, ada);
    const changed = await opened(`token=${ben.access_token}`);
    const change = { current_password: password, new_password: 'Another-Horse-2' };
    const { body } = await ben.client.put('/api/auth/me/password', change);
    await changed.expectClosed();
    const reset = await opened(`token=${body.access_token}`);
    await ada.client.post(`/api/org/members/${ben.id}/reset-password`);
    await reset.expectClosed();
  });

  test('when its key is over', async () => {
    await using watchful = await startLocalApp({ socketCheckMs: 20 });
    const eve = await owner(watchful);
    const { id } = await eve.client.createTeam();
    const expires_at = new Date(Date.now() + 500).toISOString();
    const { body } = await eve.client.post('/api/auth/keys', { name: 'short', expires_at });
    const socket = await openSocket(watchful.port, `/ws/teams/${id}/activity?token=${body.key}`);
    expect(await socket.closed).toEqual({ code: 1008, reason: 'signed out' });
  });

  test('when its key is revoked, or a refresh token used twice', async () => {
    const { id, key } = await makeKey(ada);
    const byKey = await opened(`token=${key}`);
    const bySession = await opened(`token=${ada.access_token}`);
    await ada.client.delete(`/api/auth/keys/${id}`);
    await byKey.expectClosed();
    const { refresh_token } = ada;
    for (const status of [200, 401])
      expect((await app.client.post('/api/auth/refresh', { refresh_token })).status).toBe(status);
    await bySession.expectClosed();
  });
});
