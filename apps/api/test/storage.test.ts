import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { openDatabase } from '@agentcrew/models';
import { type TemporaryFolder, temporaryFolder, waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { newTeam } from './support/client.ts';
import { expectError } from './support/expect-error.ts';
import { createFakeBuses } from './support/fake-bus.ts';
import { envelope } from './support/rows.ts';
import { openSocket } from './support/sockets.ts';
import { startTestApp } from './support/test-app.ts';

const encryptionKey = 'only for a test';

let folder: TemporaryFolder;
let path: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'agentcrew.db');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await folder[Symbol.asyncDispose]();
});

/** Another process that holds the write lock until it is told to go (locks are not seen within one process). */
async function lock(file: string): Promise<() => Promise<void>> {
  const script = `
    const { DatabaseSync } = require('node:sqlite');
    new DatabaseSync(${JSON.stringify(file)}).exec('begin immediate');
    process.stdout.write('locked');
    process.stdin.resume().on('end', () => process.exit());`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  return async () => {
    child.stdin.end();
    await ended;
  };
}

test('while another process locks the database writes are 503; afterwards everything works again', async () => {
  const buses = createFakeBuses();
  await using app = await startTestApp({ db: openDatabase({ path, encryptionKey }), connectBus: buses.connectBus });
  const { id, slug } = await app.client.createRunningTeam();
  const unlock = await lock(path);

  expectError(await app.client.post('/api/teams', newTeam()), 503, 'STORAGE_UNAVAILABLE', 'internal server error');
  expect(await app.client.get(`/api/teams/${id}`)).toMatchObject({ status: 200 });
  const said = envelope();
  const relayed = await buses.of(slug).deliver(said, { kind: 'activity' });
  expect(relayed.how).toBeUndefined();

  await unlock();
  await relayed.done;
  expect(relayed.how).toBe('ack');
  expect(await app.client.post('/api/teams', newTeam())).toMatchObject({ status: 201 });
  expect((await app.client.get(`/api/teams/${id}/activity`)).body).toMatchObject([{ message_id: said.message_id }]);
});

/** What the limit of a file's size is set on: the server's own connection. */
interface Limited {
  pragma(text: string): unknown;
}

test('while the disk is full writes are 503 and what agents say is held; nothing is lost', async () => {
  const { prototype } = createRequire(import.meta.resolve('@agentcrew/models'))('better-sqlite3');
  const pragma = vi.spyOn(prototype as Limited, 'pragma');
  const db = openDatabase({ path, encryptionKey });
  const connection = pragma.mock.contexts[0] as Limited;
  const buses = createFakeBuses();
  await using app = await startTestApp({ db, connectBus: buses.connectBus });
  const { id, slug } = await app.client.createRunningTeam();
  const socket = await openSocket(app.port, `/ws/teams/${id}/activity?since=0`);
  const message = 'x'.repeat(200_000);
  expect(await app.client.post(`/api/teams/${id}/chat`, { message })).toMatchObject({ status: 200 });
  await socket.until(1);

  connection.pragma('max_page_count = 1');
  expectError(
    await app.client.post(`/api/teams/${id}/chat`, { message }),
    503,
    'STORAGE_UNAVAILABLE',
    'internal server error',
  );
  const said = envelope({ payload: { text: message } });
  const relayed = await buses.of(slug).deliver(said, { kind: 'activity' });
  await waitFor('a second try', () => relayed.working >= 1);
  expect(await app.client.get('/health')).toMatchObject({ status: 200 });
  expect((await app.client.get(`/api/teams/${id}/messages`)).body).toHaveLength(1);

  connection.pragma('max_page_count = 1000000');
  await relayed.done;
  expect(relayed.how).toBe('ack');
  expect(await app.client.post(`/api/teams/${id}/chat`, { message })).toMatchObject({ status: 200 });
  const frames = await socket.until(3);
  expect(frames.map(({ message_type }) => message_type)).toEqual(['user_message', 'activity_event', 'user_message']);
  socket.close();
});
