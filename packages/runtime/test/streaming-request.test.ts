import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { waitFor } from '@agentcrew/testkit';
import { describe, expect, it } from 'vitest';
import { statusCodeOf, wordsOf } from '../src/kubernetes/cluster-errors.ts';
import { apiUrl, openStream } from '../src/kubernetes/streaming-request.ts';
import { apiServer, configOf } from './api-server.ts';

const idleMs = 30_000;

describe('a streaming request', () => {
  it('gives the body as it comes, asked for with query and token', async () => {
    await using api = await apiServer((request, response) => {
      response.end(`${request.url} ${request.headers.authorization}`);
    });
    const body = await openStream(api.config, { path: '/log', query: { container: 'a b' }, idleMs });
    expect(await text(body)).toBe('/log?container=a+b Bearer a-token');
  });

  it('fails like the calls of the client', async () => {
    await using api = await apiServer((_, response) => {
      response.writeHead(403).end(JSON.stringify({ kind: 'Status', message: 'pods/log is forbidden' }));
    });
    const error = await openStream(api.config, { path: '/log', idleMs }).catch((reason: unknown) => reason);
    expect([statusCodeOf(error), wordsOf(error)]).toEqual([403, 'pods/log is forbidden']);
  });

  it('fails when there is nobody', async () => {
    await expect(openStream(configOf('http://127.0.0.1:1'), { path: '/log', idleMs })).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
  });

  it.each([
    ['before the answer', ''],
    ['within the answer', 'begun\n'],
  ])('is given up in silence, %s, or at once when it is aborted', async (_, begin) => {
    await using api = await apiServer((_request, response) => {
      if (begin) response.write(begin);
    });
    const silent = openStream(api.config, { path: '/log', idleMs: 100 }).then(text);
    await expect(silent).rejects.toMatchObject({ name: 'TimeoutError' });
    const stop = new AbortController();
    const aborted = openStream(api.config, { path: '/log', idleMs, signal: stop.signal }).then(text);
    const failure = expect(aborted).rejects.toThrow('aborted');
    await waitFor('the connection', async () => (await api.connections()) > 0);
    stop.abort();
    await failure;
    await waitFor('no connection', async () => (await api.connections()) === 0);
  });

  it('waits for a slow reader', async () => {
    const size = 8 * 1024 * 1024;
    await using api = await apiServer((_, response) => response.end(Buffer.alloc(size)));
    const body = await openStream(api.config, { path: '/log', idleMs: 50 });
    await waitFor('a full buffer', () => body.readableLength >= body.readableHighWaterMark);
    const { socket } = body;
    for (let silences = 0; silences < 3; silences++) await once(socket, 'timeout');
    expect((await text(body)).length).toBe(size);
  });
});

it('finds an API server below a path', () => {
  const url = apiUrl(configOf('https://host:8443/k8s/clusters/c-1/'), '/api/v1/pods', { follow: 'true' });
  expect(url.href).toBe('https://host:8443/k8s/clusters/c-1/api/v1/pods?follow=true');
});
