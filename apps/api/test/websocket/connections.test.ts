import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { waitFor } from '@agentcrew/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { openSocket, refusal } from '../support/sockets.ts';
import { startTestApp, type TestApp, type TestAppOptions } from '../support/test-app.ts';

let app: TestApp;
afterEach(() => app.close());

async function start(options: TestAppOptions = {}): Promise<string> {
  app = await startTestApp(options);
  return (await app.client.createTeam()).id;
}

/** A connection without a WebSocket library behind it: it never answers what the server asks. */
async function handshake(
  path: string,
  method = 'GET',
  more = '',
): Promise<{ socket: Socket; head: string; ended: Promise<void> }> {
  const socket = connect(app.port, '127.0.0.1');
  socket.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.write(
    `${method} ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n` +
      `sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`,
  );
  let head = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    head += chunk;
  });
  await waitFor('an answer', () => head.includes('\r\n\r\n') || socket.closed);
  return { socket, head, ended };
}

test('two thousand clients at once all get a row', async () => {
  const id = await start();
  const path = `/ws/teams/${id}/activity`;
  const sockets = await Promise.all(Array.from({ length: 2000 }, () => openSocket(app.port, path)));
  app.crew.messages.acceptChat(id, { content: 'hello, all of you', to: 'leader', addresseeId: 'Lead' });
  await waitFor('the row at every client', () => sockets.every(({ frames }) => frames.length === 1));
  expect(await app.client.get('/health')).toMatchObject({ status: 200 });
  for (const { raw } of sockets) raw.terminate();
  await waitFor('none left', async () =>
    (await app.client.get('/metrics')).text.includes('agentcrew_websocket_clients 0\n'),
  );
});

test('more than the limit are refused, until one leaves', async () => {
  const id = await start({ maxSockets: 3 });
  const path = `/ws/teams/${id}/activity`;
  const sockets = await Promise.all([1, 2, 3].map(() => openSocket(app.port, path)));
  expect(await refusal(app.port, path)).toMatchObject({ status: 429, body: { code: 'TOO_MANY_CONNECTIONS' } });
  expect(await app.client.get('/health')).toMatchObject({ status: 200 });
  sockets[0]?.close();
  await waitFor('a place', async () => {
    const socket = await openSocket(app.port, path);
    return socket.raw.readyState === socket.raw.OPEN;
  });
});

describe('an upgrade that is refused', () => {
  test.each([
    ['an unknown path', '/ws/nothing', 404],
    ['a path that cannot be decoded', '/ws/%zz', 400],
    ['a bad query', '/ws/teams/x/activity?since=y', 400],
  ])('%s is answered in the error form and the connection ended', async (_what, path, status) => {
    await start();
    const { head, ended } = await handshake(path);
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toMatch(/"request_id":/);
    await ended;
  });

  test('another method does not leave the connection open', async () => {
    await start();
    const { ended } = await handshake('/ws/teams/x/activity', 'POST');
    await ended;
    expect(await app.client.get('/health')).toMatchObject({ status: 200 });
  });
});

test.each([
  ['h2c', '/health'],
  ['websocket', '/api/teams'],
])('an upgrade to %s that %s does not offer is ignored', async (upgrade, path) => {
  await start();
  const asked = request({ port: app.port, path, headers: { connection: 'upgrade', upgrade } }).end();
  const [answer] = await once(asked, 'response');
  expect(answer.statusCode).toBe(200);
  answer.resume();
});

describe('when the server ends', () => {
  test('clients are told with 1001', async () => {
    const id = await start();
    const sockets = await Promise.all(
      Array.from({ length: 50 }, () => openSocket(app.port, `/ws/teams/${id}/activity`)),
    );
    await app.close();
    for (const { closed } of sockets) expect(await closed).toMatchObject({ code: 1001 });
    await expect(app.client.get('/health')).rejects.toThrow();
  });

  test.each([
    ['a client that does not answer', '/ws/teams/ID/activity'],
    ['a refused one that does not hang up', '/ws/nothing'],
  ])('%s does not hold it up for long', async (_what, path) => {
    const id = await start();
    const { ended } = await handshake(path.replace('ID', id));
    const started = performance.now();
    await app.close();
    expect(performance.now() - started).toBeLessThan(4000);
    await ended;
  });
});
