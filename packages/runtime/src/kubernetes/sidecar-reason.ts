import { get, type IncomingMessage } from 'node:http';
import { Duplex, PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { notReady } from '../shared/readiness.ts';
import { healthPort } from './agent-objects.ts';
import { fromPod, toPod } from './channels.ts';
import type { Cluster } from './cluster.ts';
import { openPodPort } from './pod-port.ts';

const answerMs = 5_000;

/** What a sidecar that is not ready waits for, in its own words; `undefined` when it does not answer. */
export async function sidecarReason(cluster: Cluster, namespace: string, pod: string): Promise<string | undefined> {
  const signal = AbortSignal.timeout(answerMs);
  try {
    const port = await openPodPort(cluster.config, { namespace, pod, port: healthPort }, signal);
    try {
      return notReady(await text(await ask(connectionOver(port), signal)));
    } finally {
      port.destroy();
    }
  } catch {
    return undefined;
  }
}

function connectionOver(port: Duplex): Duplex {
  const writable = new PassThrough();
  pipeline(writable, toPod, port).catch(() => undefined);
  return Duplex.from({ writable, readable: Readable.from(fromPod(port), { objectMode: false }) });
}

/** The kubelet tells a probe's status only: the sidecar says why. */
async function ask(connection: Duplex, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { host: 'agent', connection: 'close' };
  const request = get({ path: '/readyz', headers, createConnection: () => connection, signal }, resolve);
  request.on('error', reject);
  return await promise;
}
