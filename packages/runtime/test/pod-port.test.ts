import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { waitFor } from '@agentcrew/testkit';
import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { fromPod, toPod } from '../src/kubernetes/channels.ts';
import { statusCodeOf, wordsOf } from '../src/kubernetes/cluster-errors.ts';
import { openPodPort } from '../src/kubernetes/pod-port.ts';

const target = { namespace: 'crew', pod: 'nats-1', port: 4222 };
const never = new AbortController().signal;

async function* pieces(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text, 'latin1');
}

/** Starts a server in place of the API server. */
async function apiServer(server: Server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const config = new KubeConfig();
  const cluster = { name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true };
  config.loadFromClusterAndUser(cluster, { name: 'u', token: 'a-token' });
  return {
    config,
    connections: () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count))),
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

describe('the channels of a port-forward', () => {
  it('carry data and, without the number of the port, give data', async () => {
    const sent = await Array.fromAsync(toPod(pieces('PING', 'PONG')));
    expect(sent.map(String)).toEqual(['\0PING', '\0PONG']);
    const received = fromPod(pieces('\x00\x7e\x10', '\x01\x7e\x10', '\x00INFO', '\x00', '\x00PONG'));
    expect((await Array.fromAsync(received)).map(String)).toEqual(['INFO', 'PONG']);
    const together = fromPod(pieces('\x00\x7e\x10INFO'));
    expect((await Array.fromAsync(together)).map(String)).toEqual(['INFO']);
  });

  it('end with what the node says', async () => {
    const received = fromPod(pieces('\x01\x7e\x10', '\x01connection refused\n'));
    await expect(Array.fromAsync(received)).rejects.toThrow(/^connection refused$/);
  });
});

describe('a connection to the port of a pod', () => {
  it('gives what comes with the answer, and ends with the server', async () => {
    const server = createServer();
    const asked: unknown[] = [];
    new WebSocketServer({ server }).on('connection', (ws, { url, headers }) => {
      asked.push(url, headers.authorization, ws.protocol);
      ws.send(Buffer.from('one'));
      ws.send(Buffer.from('two'));
      ws.on('message', () => ws.close());
    });
    await using api = await apiServer(server);
    const stream = await openPodPort(api.config, target, never);
    stream.write('enough');
    expect((await Array.fromAsync(stream)).map(String)).toEqual(['one', 'two']);
    const url = '/api/v1/namespaces/crew/pods/nats-1/portforward?ports=4222';
    expect(asked).toEqual([url, 'Bearer a-token', 'v4.channel.k8s.io']);
    stream.destroy();
    await waitFor('no connection', async () => (await api.connections()) === 0);
  });

  it('fails like the calls of the client', async () => {
    const body = JSON.stringify({ kind: 'Status', message: 'pods/portforward is forbidden' });
    const server = createServer().on('upgrade', (_, socket) => {
      socket.end(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    });
    await using api = await apiServer(server);
    const error = await openPodPort(api.config, target, never).catch((reason: unknown) => reason);
    expect([statusCodeOf(error), wordsOf(error)]).toEqual([403, 'pods/portforward is forbidden']);
    await waitFor('no connection', async () => (await api.connections()) === 0);
  });

  it('is given up when it does not come about in time', async () => {
    const server = createServer().on('upgrade', (_, socket) => void socket.resume().on('end', () => socket.end()));
    await using api = await apiServer(server);
    const opening = openPodPort(api.config, target, AbortSignal.timeout(100));
    await expect(opening).rejects.toMatchObject({ name: 'TimeoutError' });
    await waitFor('no connection', async () => (await api.connections()) === 0);
  });

  it('ends when it is broken, and can be broken off', async () => {
    const server = createServer();
    const sockets = new WebSocketServer({ server });
    await using api = await apiServer(server);
    const broken = await openPodPort(api.config, target, never);
    const end = once(broken.resume(), 'end');
    for (const ws of sockets.clients) ws.terminate();
    await end;
    const other = await openPodPort(api.config, target, never);
    other.destroy();
    await waitFor('no connection', async () => (await api.connections()) === 0);
  });
});
