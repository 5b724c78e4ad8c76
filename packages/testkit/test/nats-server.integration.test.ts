import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startNatsServer } from '../src/index.ts';

/** The first line a nats-server sends. */
async function greeting(port: number): Promise<Record<string, unknown>> {
  const socket = connect(port, '127.0.0.1');
  const [data] = await once(socket, 'data');
  socket.destroy();
  return JSON.parse(String(data).replace(/^INFO /, ''));
}

test('starts with JetStream, and comes back on the same port after a kill', async () => {
  const server = await startNatsServer({ configText: 'max_payload: 2097152' });
  onTestFinished(() => server[Symbol.asyncDispose]());
  expect(await greeting(server.port)).toMatchObject({ jetstream: true, max_payload: 2_097_152 });
  const firstPid = server.pid;

  await server.kill();
  await expect(greeting(server.port)).rejects.toThrow();

  await server.restart();
  expect(server.pid).not.toBe(firstPid);
  expect(await greeting(server.port)).toMatchObject({ jetstream: true });
  expect(existsSync(server.storeDir)).toBe(true);
});

test('says why when the server cannot start', async () => {
  await expect(startNatsServer({ configText: 'nonsense {' })).rejects.toThrow(/nonsense|parse/i);
});
