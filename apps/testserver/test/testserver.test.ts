import { once } from 'node:events';
import { createServer } from 'node:net';
import { fastest, freePort, waitFor } from '@agentcrew/testkit';
import { afterEach, expect, test } from 'vitest';
import { endAll, start } from './server.ts';

afterEach(endAll);

async function call(url: string, method = 'GET', body?: unknown) {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

test.each(['127.0.0.1', ''])(
  'a team is created, deployed within half a second, and takes a message, on %j',
  async (host) => {
    const port = await freePort();
    const { child, ended, output } = start(`${host}:${port}`);
    const url = `http://127.0.0.1:${port}`;
    await waitFor('the server', async () => (await call(`${url}/health`)).status === 200);

    const agents = [{ name: 'lead', role: 'leader' }, { name: 'worker' }];
    const teams: string[] = [];
    const took = await fastest(3, async () => {
      const created = await call(`${url}/api/teams`, 'POST', { name: `alpha-${teams.length}`, agents });
      expect(created).toMatchObject({ status: 201, body: { status: 'stopped', runtime: 'docker' } });
      const team = `${url}/api/teams/${created.body.id}`;
      teams.push(team);
      expect(await call(`${team}/deploy`, 'POST')).toMatchObject({ status: 200, body: { status: 'deploying' } });
      await waitFor('the team to run', async () => (await call(team)).body.status === 'running');
    });
    expect(took).toBeLessThan(500);

    const [team] = teams;
    expect(await call(`${team}/chat`, 'POST', { message: 'hello' })).toMatchObject({
      status: 200,
      body: { status: 'queued' },
    });
    expect((await call(`${team}/messages`)).body).toMatchObject([{ payload: { content: 'hello' } }]);

    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    for (const line of output().trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
  },
);

test('an open WebSocket does not keep it from ending', async () => {
  const port = await freePort();
  const { child, ended } = start(`127.0.0.1:${port}`);
  await waitFor('the server', async () => (await call(`http://127.0.0.1:${port}/health`)).status === 200);
  const { body } = await call(`http://127.0.0.1:${port}/api/teams`, 'POST', { name: 'alpha' });
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/teams/${body.id}/activity`);
  await once(socket, 'open');
  const closed = once(socket, 'close');
  child.kill('SIGTERM');
  const [event] = await closed;
  expect(event.code).toBe(1001);
  expect(await ended).toBe(0);
});

test('with AUTH_PROVIDER=local clients sign in', async () => {
  const port = await freePort();
  const { child, ended } = start(`127.0.0.1:${port}`, { AUTH_PROVIDER: 'local' });
  const url = `http://127.0.0.1:${port}`;
  await waitFor('the server', async () => (await call(`${url}/health`)).status === 200);
  expect((await call(`${url}/api/teams`)).status).toBe(401);
  const account = { org_name: 'Alpha', name: 'Ada', email: 'ada@example.org', password: 'Correct-Horse-1' };
  expect((await call(`${url}/api/auth/register`, 'POST', account)).status).toBe(201);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

test.each(['nonsense', '127.0.0.1', ':70000'])('an address it cannot use is told: %s', async (listenAddr) => {
  const { ended, output } = start(listenAddr);
  expect(await ended).toBe(1);
  expect(output()).toContain(`LISTEN_ADDR: must be host:port or :port (got "${listenAddr}")`);
});

test('a port that is taken is told', async () => {
  const port = await freePort();
  const taken = createServer().listen(port, '127.0.0.1');
  await once(taken, 'listening');
  const { ended, output } = start(`127.0.0.1:${port}`);
  expect(await ended).not.toBe(0);
  expect(output()).toContain('EADDRINUSE');
  taken.close();
});
