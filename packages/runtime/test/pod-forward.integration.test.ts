import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { connectBus } from '@agentcrew/nats';
import { waitFor } from '@agentcrew/testkit';
import type { V1PodSpec } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { podForwards } from '../src/kubernetes/nats-forward.ts';
import { kubeconfig, openPods, type PodsFixture, peers, proxyToCluster, tell, waits } from './pods-fixture.ts';

const labels = { app: 'nats' };
const nats: V1PodSpec = {
  containers: [
    {
      name: 'nats',
      image: 'nats:2.10-alpine',
      imagePullPolicy: 'IfNotPresent',
      args: ['-js'],
      readinessProbe: { tcpSocket: { port: 4222 }, periodSeconds: 1 },
    },
  ],
};
const limits = { maxAgeMs: 60_000, maxBytes: 1_000_000 };
/** Whatever is under way between two peers lies in the buffers of the hosts and processes between them. */
const underWay = 64 * 1024 * 1024;

function listeningLog() {
  const warnings: object[] = [];
  return { warnings, info() {}, warn: (fields: object) => void warnings.push(fields), error() {} };
}

async function openForwards(pods: PodsFixture, cluster = pods.cluster) {
  const log = listeningLog();
  const forwards = podForwards(cluster, log);
  return {
    ...forwards,
    warnings: log.warnings,
    async client(port: number): Promise<Socket> {
      const socket = connect(await forwards.open(String(port), { namespace: pods.namespace, labels, port }));
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      return socket;
    },
  };
}

/** Whether a client that says something gets an answer, before its connection ends. */
async function answers(client: Socket): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  client.on('data', () => resolve(true)).on('close', () => resolve(false));
  client.write('hello');
  return await promise;
}

/** Writes as fast as it is taken. */
async function upload(socket: Socket, bytes: number, onTaken: (bytes: number) => void): Promise<void> {
  const piece = Buffer.alloc(1024 * 1024);
  for (let taken = 0; taken < bytes; taken += piece.length) {
    if (!socket.write(piece)) await once(socket, 'drain');
    onTaken(taken);
  }
}

/** The number that a counter stays at. */
async function settled(counter: () => Promise<number>): Promise<number> {
  let last = -1;
  const same = async () => {
    const before = last;
    last = await counter();
    return last > 0 && last === before;
  };
  await waitFor('the counter to stay', same, { ...waits, intervalMs: 1_000 });
  return last;
}

describe.skipIf(!kubeconfig)('ways to pods from outside (needs Kubernetes)', () => {
  it('lead a NATS client to the pod, and to the one that takes its place', async () => {
    await using pods = await openPods();
    await pods.start('nats-1', nats, labels);
    await using forwards = await openForwards(pods);
    const target = { namespace: pods.namespace, labels, port: 4222 };
    const { host, port } = await forwards.open('team', target);
    expect(await forwards.open('team', target)).toEqual({ host: '127.0.0.1', port });
    await using bus = await connectBus({ url: `nats://${host}:${port}`, name: 'test', team: 'crew' });
    expect(await bus.ensureStream(limits)).toEqual({ created: true });
    await pods.remove('nats-1');
    await waitFor('the end of the connection', () => !bus.connected, waits);
    await pods.start('nats-2', nats, labels);
    await waitFor('a new connection', () => bus.connected, waits);
    expect(await bus.ensureStream(limits)).toEqual({ created: true });
    await forwards.close('team');
    await waitFor('the end of the connection', () => !bus.connected, waits);
    const refused = connect({ host, port });
    await expect(once(refused, 'connect')).rejects.toThrow('ECONNREFUSED');
  });

  it('heal when the API server is back', async () => {
    await using pods = await openPods();
    await using proxy = await proxyToCluster();
    await pods.start('nats', nats, labels);
    await using forwards = await openForwards(pods, proxy.cluster);
    const { host, port } = await forwards.open('team', { namespace: pods.namespace, labels, port: 4222 });
    await using bus = await connectBus({ url: `nats://${host}:${port}`, name: 'test', team: 'crew' });
    await bus.ensureStream(limits);
    await proxy.cut();
    await waitFor('the end of the connection', () => !bus.connected, waits);
    const err = `Kubernetes does not answer at ${proxy.cluster.address} (ECONNREFUSED)`;
    await waitFor('the refused connection', () =>
      forwards.warnings.some((fields) => 'err' in fields && fields.err === err),
    );
    await proxy.mend();
    await waitFor('a new connection', () => bus.connected, waits);
    expect(await bus.ensureStream(limits)).toEqual({ created: false });
  });

  it('carry every byte both ways, and end when either end does', async () => {
    await using pods = await openPods();
    await pods.start('peers', peers, labels);
    await using forwards = await openForwards(pods);
    const data = randomBytes(8 * 1024 * 1024);
    const echo = await forwards.client(9001);
    let echoed = Buffer.alloc(0);
    echo.write(data);
    for await (const chunk of echo) {
      echoed = Buffer.concat([echoed, chunk]);
      if (echoed.length >= data.length) echo.end();
    }
    expect(echoed.equals(data)).toBe(true);
    expect(await text(await forwards.client(9004))).toBe('goodbye');
    expect(await text(await forwards.client(9004))).toBe('goodbye');
    expect(forwards.warnings).toEqual([]);
  });

  it('are as slow as the slower end', async () => {
    await using pods = await openPods();
    await pods.start('peers', peers, labels);
    await using forwards = await openForwards(pods);
    const slow = await forwards.client(9002);
    const sent = await settled(async () => JSON.parse(await tell(pods, 'peers', '')).sent);
    expect(sent).toBeLessThan(underWay);
    let read = 0;
    for await (const chunk of slow) {
      read += chunk.length;
      if (read > 2 * sent) break;
    }
    const fast = await forwards.client(9003);
    let taken = 0;
    const uploaded = upload(fast, 3 * underWay, (bytes) => {
      taken = bytes;
    });
    expect(await settled(async () => taken)).toBeLessThan(underWay);
    await tell(pods, 'peers', 'read');
    await uploaded;
    const received = async () => JSON.parse(await tell(pods, 'peers', '')).received;
    await waitFor('all bytes', async () => (await received()) === 3 * underWay, waits);
  });

  it('tell once why they lead nowhere', async () => {
    await using pods = await openPods();
    await using forwards = await openForwards(pods);
    for (const _ of [1, 2]) expect(await buffer(await forwards.client(9009))).toHaveLength(0);
    expect(forwards.warnings).toEqual([
      { namespace: pods.namespace, labels, err: `no pod with app=nats is ready in ${pods.namespace}` },
    ]);
    await pods.start('peers', peers, labels);
    for (const _ of [1, 2]) expect(await buffer(await forwards.client(9009))).toHaveLength(0);
    expect(forwards.warnings).toHaveLength(2);
    expect(forwards.warnings[1]).toMatchObject({ err: expect.stringContaining('refused') });
  });

  it('are bounded in number, and leave nothing behind', async () => {
    await using pods = await openPods();
    await using proxy = await proxyToCluster();
    await pods.start('peers', peers, labels);
    const forwards = await openForwards(pods, proxy.cluster);
    const clients = await Promise.all(Array.from({ length: 70 }, () => forwards.client(9001)));
    const answered = await Promise.all(clients.map(answers));
    expect(answered.filter(Boolean)).toHaveLength(64);
    await forwards[Symbol.asyncDispose]();
    await waitFor('the end of all', () => clients.every((client) => client.destroyed));
    await waitFor('no connection', () => proxy.connections() === 0);
  });
});
