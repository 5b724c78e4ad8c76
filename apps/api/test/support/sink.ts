import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { waitFor } from '@agentcrew/testkit';

interface Received {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A server that notes what it gets, on a free port of loopback. */
export interface Sink extends AsyncDisposable {
  url: string;
  port: number;
  received: Received[];
  /** Answers each request; default: 200 `thanks`. */
  answer: (response: ServerResponse, received: Received) => void;
  /** Waits until there are this many requests and gives them. */
  until(count: number): Promise<Received[]>;
}

export async function startSink(): Promise<Sink> {
  const server = createServer(async (request, response) => {
    response.on('error', () => undefined);
    let body = '';
    try {
      for await (const chunk of request.setEncoding('utf8')) body += chunk;
    } catch {
      return;
    }
    const received = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
    sink.received.push(received);
    sink.answer(response, received);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sink: Sink = {
    url: `http://127.0.0.1:${port}`,
    port,
    received: [],
    answer: (response) => void response.end('thanks'),
    until: (count) => waitFor(`${count} requests`, () => sink.received.length >= count && sink.received),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return sink;
}
