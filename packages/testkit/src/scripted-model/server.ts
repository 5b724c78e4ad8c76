import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { latch } from '../latch.ts';
import { waitFor } from '../wait-for.ts';
import { Answerer } from './answerer.ts';
import { sendError } from './errors.ts';

export interface ScriptedModelOptions {
  /** Address to listen on, as its clients see it. Default 127.0.0.1. */
  host?: string;
  /** Default: a free port. */
  port?: number;
  /** When given, requests with another key get 401. Default: every key will do. */
  apiKey?: string;
  /** Pause between the pieces of a streamed answer, so that it looks like a model at work. Default 0. */
  deltaDelayMs?: number;
}

export interface RecordedRequest {
  /** When the request came in, on the clock of `performance.now()`. */
  at: number;
  method: string;
  path: string;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** The parsed JSON body; undefined when there is none. */
  body: unknown;
  /** What the person wrote last; absent when the request is not one for a message. */
  userText?: string;
  /** When the last byte of the answer was handed to the socket, on the same clock. */
  lastByteAt?: number;
}

export interface ScriptedModel extends AsyncDisposable {
  /** `http://<host>:<port>`, for ANTHROPIC_BASE_URL. */
  readonly url: string;
  /** Every request so far, in order of arrival. */
  readonly requests: RecordedRequest[];
  /** The first request, past or future, that fulfils the predicate. Rejects after 60 s with an error naming `what`. */
  waitForRequest(what: string, predicate: (request: RecordedRequest) => boolean): Promise<RecordedRequest>;
  /** From now on answers to messages wait, until the hold is released. */
  hold(): { release(): void };
}

/**
 * A stand-in for the Messages API that does what the user's text tells it to (see `parseScript`), and
 * answers `You said: …` to a text that tells it nothing.
 */
export async function startScriptedModel(options: ScriptedModelOptions = {}): Promise<ScriptedModel> {
  const { host = '127.0.0.1' } = options;
  const requests: RecordedRequest[] = [];
  const answerer = new Answerer(options.deltaDelayMs ?? 0);
  const server = createServer((request, response) => {
    const record = startRecord(request);
    requests.push(record);
    response.once('finish', () => {
      record.lastByteAt = performance.now();
    });
    handle(request, response, record, answerer, options.apiKey).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendError(response, 400, String(error));
    });
  });
  server.listen(options.port ?? 0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${port}`,
    requests,
    waitForRequest: (what, predicate) => waitFor(what, () => requests.find(predicate), { timeoutMs: 60_000 }),
    hold: () => answerer.hold(),
    async [Symbol.asyncDispose]() {
      const closed = latch();
      server.close(() => closed.open());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

function startRecord(request: IncomingMessage): RecordedRequest {
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)]);
  return {
    at: performance.now(),
    method: request.method ?? '',
    path: request.url ?? '/',
    headers: Object.fromEntries(headers),
    body: undefined,
  };
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  record: RecordedRequest,
  answerer: Answerer,
  apiKey: string | undefined,
): Promise<void> {
  const text = await readBody(request);
  if (text !== '') record.body = JSON.parse(text);
  const path = record.path.replace(/\?.*$/, '');
  if (path === '/' && (record.method === 'GET' || record.method === 'HEAD')) {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}');
  } else if (apiKey !== undefined && keyOf(record) !== apiKey) {
    sendError(response, 401);
  } else if (path === '/v1/messages' && record.method === 'POST') {
    await answerer.answer(record, response);
  } else if (path === '/v1/messages/count_tokens' && record.method === 'POST') {
    const tokens = Math.ceil(text.length / 4);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ input_tokens: tokens }));
  } else {
    sendError(response, 404, 'Not found');
  }
}

function keyOf(record: RecordedRequest): string | undefined {
  return record.headers['x-api-key'] ?? record.headers.authorization?.replace(/^Bearer /i, '');
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
