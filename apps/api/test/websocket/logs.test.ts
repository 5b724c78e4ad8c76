import type { LogLine } from '@agentcrew/runtime';
import { latch, waitFor } from '@agentcrew/testkit';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { openSocket, refusal } from '../support/sockets.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await app.clear();
});
afterAll(() => app.close());

const line = { stream: 'stdout', time: expect.stringMatching(/^\d{4}-.*Z$/), line: 'mock log output' };

test('the lines of all agents of a team, one JSON object each', async () => {
  const { id } = await app.client.createRunningTeam();
  const socket = await openSocket(app.port, `/ws/teams/${id}/logs`);
  expect(await socket.closed).toMatchObject({ code: 1000 });
  expect(socket.frames).toHaveLength(2);
  expect(socket.frames).toEqual(
    expect.arrayContaining([
      { agent: 'Lead', ...line },
      { agent: 'Worker', ...line },
    ]),
  );
});

test('the lines of one agent', async () => {
  const { id, agents } = await app.client.createRunningTeam();
  const socket = await openSocket(app.port, `/ws/teams/${id}/logs/${agents[1].id}`);
  expect(await socket.closed).toMatchObject({ code: 1000 });
  expect(socket.frames).toEqual([{ agent: 'Worker', ...line }]);
});

test('what cannot be shown is told in a frame, then the connection is closed', async () => {
  const stopped = await app.client.createTeam();
  const running = await app.client.createRunningTeam();
  for (const [path, error] of [
    ['unknown/logs', 'team not found'],
    [`unknown/logs/${running.agents[0].id}`, 'team not found'],
    [`${running.id}/logs/unknown`, 'agent not found'],
    [`${running.id}/logs/${stopped.agents[0].id}`, 'agent not found'],
    [`${stopped.id}/logs`, 'no running agents'],
    [`${stopped.id}/logs/${stopped.agents[0].id}`, 'no running agents'],
  ]) {
    const socket = await openSocket(app.port, `/ws/teams/${path}`);
    expect(await socket.closed).toMatchObject({ code: 1008 });
    expect(socket.frames).toEqual([{ error }]);
  }
});

test('a log that breaks is told in a frame', async () => {
  const { id } = await app.client.createRunningTeam();
  vi.spyOn(app.runtime, 'streamLogs').mockImplementation(async function* () {
    yield { stream: 'stdout', time: new Date().toISOString(), line: 'one' };
    throw new Error('disk on fire');
  });
  const socket = await openSocket(app.port, `/ws/teams/${id}/logs`);
  await socket.closed;
  expect(socket.frames.at(-1)).toEqual({ error: 'failed to stream logs' });
  expect(JSON.stringify(socket.frames)).not.toContain('fire');
});

test('a client that leaves ends the reading', async () => {
  const { id, agents } = await app.client.createRunningTeam();
  const reading = latch<AbortSignal | undefined>();
  vi.spyOn(app.runtime, 'streamLogs').mockImplementation(async function* (_id, options): AsyncGenerator<LogLine> {
    reading.open(options.signal);
    await new Promise((resolve) => options.signal?.addEventListener('abort', resolve));
  });
  const socket = await openSocket(app.port, `/ws/teams/${id}/logs/${agents[0].id}`);
  const signal = await reading.promise;
  expect(signal?.aborted).toBe(false);
  socket.raw.terminate();
  await waitFor('the reading to end', () => signal?.aborted);
});

test('tail tells with how many of the last lines to begin', async () => {
  const { id, agents } = await app.client.createRunningTeam();
  const streamLogs = vi.spyOn(app.runtime, 'streamLogs');
  for (const query of ['', '?tail=7', '?tail=0']) {
    await (await openSocket(app.port, `/ws/teams/${id}/logs/${agents[0].id}${query}`)).closed;
  }
  expect(streamLogs.mock.calls.map(([, { tail, follow }]) => ({ tail, follow }))).toEqual([
    { tail: 100, follow: true },
    { tail: 7, follow: true },
    { tail: 0, follow: true },
  ]);
  for (const tail of ['x', '-1', '1.5', '1000000', '']) {
    expect(await refusal(app.port, `/ws/teams/${id}/logs?tail=${tail}`)).toMatchObject({
      status: 400,
      body: { code: 'INVALID_REQUEST', error: expect.stringContaining('tail') },
    });
  }
});
