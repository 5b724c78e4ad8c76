import http, { type IncomingMessage } from 'node:http';
import https, { type RequestOptions } from 'node:https';
import { text } from 'node:stream/consumers';
import { ApiException, type KubeConfig } from '@kubernetes/client-node';

/** A peer that is gone without a word is noticed so long after its last byte, and some ten seconds. */
export const keepAliveMs = 30_000;

export interface StreamingRequest {
  /** Below the API server's address. */
  path: string;
  query?: Record<string, string>;
  /** Ends the request when nothing comes for so long, before the answer or within it. */
  idleMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * The body of an answer of the API server, as it comes.
 * @throws ApiException when the answer is no success, like the calls of the client
 */
export async function openStream(config: KubeConfig, request: StreamingRequest): Promise<IncomingMessage> {
  const answer = await send(config, request);
  if (answer.statusCode === 200) return answer;
  throw await failureOf(answer);
}

/** What the client throws for an answer that is no success. */
export async function failureOf(answer: IncomingMessage): Promise<ApiException<string>> {
  const { statusCode = 0, statusMessage = '' } = answer;
  return new ApiException(statusCode, statusMessage, await text(answer), {});
}

async function send(config: KubeConfig, { path, query, idleMs, signal }: StreamingRequest): Promise<IncomingMessage> {
  const url = apiUrl(config, path, query);
  const options: RequestOptions = signal ? { signal } : {};
  await config.applyToHTTPSOptions(options);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = (url.protocol === 'http:' ? http : https).request(url, options);
  let answer: IncomingMessage | undefined;
  request.on('error', reject);
  request.on('response', (response) => {
    answer = response;
    // Whoever reads the body gets its error; until then there is nobody to tell.
    response.on('error', () => undefined);
    resolve(response);
  });
  request.on('socket', (socket) => {
    socket.setTimeout(idleMs);
    socket.on('timeout', () => {
      // A reader that is slower than the server makes it wait.
      if (answer?.readableLength) socket.setTimeout(idleMs);
      else (answer ?? request).destroy(new DOMException('no answer in time', 'TimeoutError'));
    });
  });
  request.setSocketKeepAlive(true, keepAliveMs);
  request.end();
  return await promise;
}

/** URL of a path of the API server, which may itself lie below a path, as behind a proxy for many clusters. */
export function apiUrl(config: KubeConfig, path: string, query: Record<string, string> = {}): URL {
  const server = config.getCurrentCluster()?.server ?? '';
  return new URL(`${server.replace(/\/+$/, '')}${path}?${new URLSearchParams(query)}`);
}
