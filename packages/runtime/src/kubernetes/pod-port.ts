import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { KubeConfig } from '@kubernetes/client-node';
import { type ClientOptions, createWebSocketStream, WebSocket } from 'ws';
import { apiUrl, failureOf, keepAliveMs } from './streaming-request.ts';

const protocol = 'v4.channel.k8s.io';
/** Far more than the pieces in which nodes send what comes from a pod. */
const maxMessageBytes = 1024 * 1024;

export interface PodPort {
  namespace: string;
  pod: string;
  port: number;
}

/**
 * A connection to a port of a pod, through the API server: a stream of messages as `channels.ts` reads and writes them.
 * It reads no faster than it is read.
 * @param signal for opening it; the stream lives on until it ends, or is destroyed
 */
export async function openPodPort(
  config: KubeConfig,
  { namespace, pod, port }: PodPort,
  signal: AbortSignal,
): Promise<Duplex> {
  const url = apiUrl(config, `/api/v1/namespaces/${namespace}/pods/${pod}/portforward`, { ports: String(port) });
  const options: ClientOptions = {};
  await config.applyToHTTPSOptions(options);
  const ws = new WebSocket(url, protocol, { ...options, perMessageDeflate: false, maxPayload: maxMessageBytes });
  // From the start: the first messages can come together with the answer.
  const stream = createWebSocketStream(ws, { readableObjectMode: true });
  for (const part of [ws, stream]) part.on('error', () => undefined);
  ws.on('upgrade', ({ socket }) => socket.setKeepAlive(true, keepAliveMs));
  const { promise: refused, reject: refuse } = Promise.withResolvers<never>();
  ws.on('unexpected-response', (_, answer: IncomingMessage) => void failureOf(answer).then(refuse, refuse));
  try {
    await Promise.race([once(ws, 'open', { signal }), refused]);
  } catch (error) {
    ws.terminate();
    throw signal.aborted ? signal.reason : error;
  }
  return stream;
}
