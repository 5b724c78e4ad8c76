import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

/** What was asked of an API server, in the words of its authorization: `get apps/statefulsets`, `get pods/log`. */
type Right = string;

/** Stands before an API server and notes what is asked of it. */
export interface RecordingProxy extends AsyncDisposable {
  readonly url: string;
  readonly asked: ReadonlySet<Right>;
}

/** @param target the API server, with what it takes to trust it */
export async function startRecordingProxy(target: { host: string; port: number; ca: string }): Promise<RecordingProxy> {
  const asked = new Set<Right>();
  const sockets = new Set<Duplex>();
  const onward = ({ method, url: path, headers }: IncomingMessage): RequestOptions => ({
    ...target,
    method,
    path,
    headers,
  });
  const server = createServer((incoming, response) => {
    const outgoing = request(onward(incoming), (answer) => {
      for (const right of rightsOf(incoming, answer.statusCode)) asked.add(right);
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on('error', () => response.destroy());
      response.on('close', () => answer.destroy());
    });
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  server.on('upgrade', (incoming: IncomingMessage, client: Duplex) => {
    for (const right of rightsOf(incoming, 101)) asked.add(right);
    const outgoing = request(onward(incoming));
    const end = () => client.destroy();
    outgoing.on('error', end).on('response', end);
    outgoing.on('upgrade', (answer, upstream: Duplex, head: Buffer) => {
      sockets.add(client).add(upstream);
      client.write(headOf(answer));
      client.write(head);
      upstream.pipe(client).pipe(upstream);
      for (const socket of [client, upstream])
        socket.on('error', () => undefined).on('close', () => upstream.destroy());
    });
    client.on('error', () => undefined);
    outgoing.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function headOf({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  const lines = rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${rawHeaders[index + 1]}`] : []));
  return [`HTTP/1.1 ${statusCode} ${statusMessage}`, ...lines, '', ''].join('\r\n');
}

const verbs: Record<string, string> = { GET: 'get', POST: 'create', PATCH: 'patch', PUT: 'update', DELETE: 'delete' };

/** An apply that makes the object needs the right to create it besides. */
function rightsOf({ method = '', url = '' }: IncomingMessage, status: number | undefined): Right[] {
  const { pathname, searchParams } = new URL(url, 'http://proxy');
  const [, group, path] = /^\/(?:api|apis\/([^/]+))\/v\d+(?:\/(.+))?$/.exec(pathname) ?? [];
  if (path === undefined) return [];
  const parts = path.split('/');
  const [resource = '', name, sub] = parts[0] === 'namespaces' && parts.length > 2 ? parts.slice(2) : parts;
  const target = [group, resource, sub].filter(Boolean).join('/');
  const reading = name === undefined ? (searchParams.has('watch') ? 'watch' : 'list') : 'get';
  const verb = method === 'GET' ? reading : (verbs[method] ?? method);
  return status === 201 && verb === 'patch' ? [`patch ${target}`, `create ${target}`] : [`${verb} ${target}`];
}
