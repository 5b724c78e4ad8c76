import { setImmediate as nextTurn } from 'node:timers/promises';
import { waitFor } from '@agentcrew/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openSocket, refusal, type TestSocket } from '../support/sockets.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
let id: string;
const open: TestSocket[] = [];
beforeAll(async () => {
  app = await startTestApp();
});
beforeEach(async () => {
  id = (await app.client.createRunningTeam()).id;
});
afterEach(async () => {
  for (const socket of open.splice(0)) socket.raw.terminate();
  await app.clear();
});
afterAll(() => app.close());

async function connect(query = '', team = id): Promise<TestSocket> {
  const socket = await openSocket(app.port, `/ws/teams/${team}/activity${query}`);
  open.push(socket);
  return socket;
}

/** Stores a chat message the way the route does. */
const say = (text: string, team = id) =>
  app.crew.messages.acceptChat(team, { content: text, to: 'leader', addresseeId: 'Lead' }).seq;

const seqs = (frames: { seq: number }[]) => frames.map(({ seq }) => seq);
const texts = (frames: { payload: { content: string } }[]) => frames.map(({ payload }) => payload.content);

/** Everything that was stored before this has been sent when it resolves. */
async function flushed(...sockets: TestSocket[]): Promise<void> {
  const last = say('the end');
  for (const { frames } of sockets) await waitFor('the last row', () => frames.at(-1)?.seq === last);
  for (const { frames } of sockets) frames.pop();
}

describe('without since', () => {
  test('only rows from now on are sent, each as one frame like the one of REST', async () => {
    say('before');
    const socket = await connect();
    await app.client.post(`/api/teams/${id}/chat`, { message: 'hello' });
    const [frame] = await socket.until(1);
    const { body } = await app.client.get(`/api/teams/${id}/messages?limit=1`);
    expect(frame).toEqual(body[0]);
    expect(frame).toMatchObject({
      team_id: id,
      message_type: 'user_message',
      from_agent: 'user',
      payload: { content: 'hello' },
    });
    await flushed(socket);
    expect(socket.frames).toHaveLength(1);
  });

  test('rows of other teams are not', async () => {
    const other = (await app.client.createRunningTeam()).id;
    const socket = await connect();
    say('elsewhere', other);
    say('here');
    await flushed(socket);
    expect(texts(socket.frames)).toEqual(['here']);
  });

  test('two clients both get every row, in order', async () => {
    const sockets = await Promise.all([connect(), connect()]);
    // A row that comes while the first read of the database is under way.
    const sent = Array.from({ length: 300 }, (_, n) => say(`${n}`));
    await flushed(...sockets);
    for (const { frames } of sockets) expect(seqs(frames)).toEqual(sent);
  });

  test('a client that goes away does not disturb the others', async () => {
    const [gone, stays] = await Promise.all([connect(), connect()]);
    gone.raw.terminate();
    const sent = Array.from({ length: 20 }, (_, n) => say(`${n}`));
    await flushed(stays);
    expect(seqs(stays.frames)).toEqual(sent);
  });
});

describe('with since', () => {
  test('first all rows after it are sent, then live ones', async () => {
    const [first = 0, second, third] = ['a', 'b', 'c'].map((text) => say(text));
    const socket = await connect(`?since=${first}`);
    await socket.until(2);
    const fourth = say('d');
    await flushed(socket);
    expect(seqs(socket.frames)).toEqual([second, third, fourth]);
  });

  test('of 0 everything is sent; the newest gives nothing old', async () => {
    const sent = ['a', 'b', 'c'].map((text) => say(text));
    const [all, none] = await Promise.all([connect('?since=0'), connect(`?since=${sent.at(-1)}`)]);
    await flushed(all, none);
    expect(seqs(all.frames)).toEqual(sent);
    expect(none.frames).toEqual([]);
  });

  test('more than a thousand rows are replayed while more are stored, without a gap or a double', async () => {
    const sent: number[] = [];
    app.db.transaction(() => {
      for (let n = 0; n < 1500; n += 1) sent.push(say(`old ${n}`));
    });
    const sockets = await Promise.all([connect('?since=0'), connect(`?since=${sent[999]}`), connect()]);
    for (let n = 0; n < 300; n += 1) {
      sent.push(say(`new ${n}`));
      if (n % 3 === 0) await nextTurn();
    }
    await flushed(...sockets);
    const [all, half, live] = sockets;
    expect(seqs(all?.frames ?? [])).toEqual(sent);
    expect(seqs(half?.frames ?? [])).toEqual(sent.slice(1000));
    // The live one may have been admitted after some of the new rows, yet it has no gap.
    expect(seqs(live?.frames ?? [])).toEqual(sent.slice(sent.length - (live?.frames.length ?? 0)));
    expect(live?.frames.length).toBeLessThanOrEqual(300);
  });

  test('a client that reconnects with the last seq it saw sees every row once', async () => {
    const sent: number[] = [];
    const seen: number[] = [];
    for (let round = 0; round < 15; round += 1) {
      const socket = await connect(`?since=${seen.at(-1) ?? 0}`);
      for (let n = 0; n < 7; n += 1) sent.push(say(`${round}.${n}`));
      await socket.until(1 + (round % 3));
      socket.raw.terminate();
      await socket.closed;
      seen.push(...seqs(socket.frames));
    }
    const last = await connect(`?since=${seen.at(-1)}`);
    await flushed(last);
    expect([...seen, ...seqs(last.frames)]).toEqual(sent);
  });

  test.each(['yesterday', '-1', '1.5', '', '9'.repeat(30), '1%00'])('%j is refused with 400', async (since) => {
    const { status, body } = await refusal(app.port, `/ws/teams/${id}/activity?since=${since}`);
    expect({ status, body }).toEqual({
      status: 400,
      body: {
        error: expect.stringContaining('since'),
        code: 'INVALID_REQUEST',
        details: expect.anything(),
        request_id: expect.any(String),
      },
    });
  });
});

test('a slow client gets every row in the end, and the server does not hold them all in memory for it', async () => {
  const socket = await connect();
  socket.raw.pause();
  const text = 'x'.repeat(100_000);
  const sent = Array.from({ length: 400 }, () => say(text));
  await nextTurn();
  const [server] = [...app.sockets()];
  expect(server?.bufferedAmount).toBeLessThan(5_000_000);
  socket.raw.resume();
  await flushed(socket);
  expect(seqs(socket.frames)).toEqual(sent);
});

test('an unknown team is told in a frame, then the connection is closed', async () => {
  for (const team of ['unknown', '6f9619ff-8b86-4d01-b42d-00c04fc964ff', '%00']) {
    const socket = await openSocket(app.port, `/ws/teams/${team}/activity`);
    expect(await socket.closed).toMatchObject({ code: 1008 });
    expect(socket.frames).toEqual([{ error: 'team not found' }]);
  }
});

test('paths are read as those of REST', async () => {
  const socket = await openSocket(app.port, `/WS/Teams/${id}/Activity/?token=abc`);
  open.push(socket);
  say('hello');
  await socket.until(1);
});

describe('what clients send', () => {
  test.each([
    ['text', 'hello'],
    ['JSON', '{"type":"ping"}'],
    ['bytes', Buffer.from([0, 255, 1])],
    ['nothing', ''],
    ['as much as is allowed', 'x'.repeat(64 * 1024)],
  ])('is ignored: %s', async (_what, frame) => {
    const socket = await connect();
    for (let n = 0; n < 10; n += 1) socket.raw.send(frame);
    socket.raw.ping();
    await flushed(socket);
    expect(socket.frames).toEqual([]);
    expect(socket.raw.readyState).toBe(socket.raw.OPEN);
  });

  test('ends the connection when it is too large, and no other', async () => {
    const [large, other] = await Promise.all([connect(), connect()]);
    large.raw.send('x'.repeat(65 * 1024));
    expect((await large.closed).code).not.toBe(1000);
    await flushed(other);
    expect(await app.client.get('/health')).toMatchObject({ status: 200 });
  });

  test.each([
    ['a frame that is not masked', Buffer.from([0x81, 0x02, 0x68, 0x69])],
    ['reserved bits', Buffer.from([0xf1, 0x80, 0, 0, 0, 0])],
    ['an unknown kind of frame', Buffer.from([0x83, 0x80, 0, 0, 0, 0])],
    ['text that is no UTF-8', Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe])],
  ])('ends the connection when it is not the protocol: %s', async (_what, bytes) => {
    const socket = await connect();
    (socket.raw as unknown as { _socket: NodeJS.WritableStream })._socket.write(bytes);
    expect((await socket.closed).code).not.toBe(1000);
    expect(await app.client.get('/health')).toMatchObject({ status: 200 });
  });
});

test('a team that is deleted leaves its clients connected without rows', async () => {
  const socket = await connect();
  await app.clear();
  expect(socket.raw.readyState).toBe(socket.raw.OPEN);
});
