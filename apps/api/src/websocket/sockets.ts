import type { Duplex } from 'node:stream';
import { CrewError } from '@agentcrew/protocol';
import fastifyWebsocket from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyInstance {
    /** Hook of WebSocket routes: 426 without an upgrade, 429 when too many WebSockets are open. */
    admitSocket: (request: FastifyRequest) => Promise<void>;
    /** WebSocket connections open now. */
    openSockets: () => number;
  }
}

const pingEveryMs = 30_000;
/** Clients have nothing to say here: a large frame is a mistake. */
const maxIncomingBytes = 64 * 1024;
const goingAway = 1001;
/** A client that does not answer the close in time is cut off: it must not hold up the end of the server. */
const closeGraceMs = 2_000;

/** WebSocket support: a limit of connections, pings that find dead ones, and a proper end when the server closes. */
export const sockets = fp(async (app: FastifyInstance, { maxClients }: { maxClients: number }) => {
  await app.register(fastifyWebsocket, {
    options: { maxPayload: maxIncomingBytes },
    errorHandler: (error, socket, request) => {
      request.log.warn({ err: error }, 'websocket failed');
      socket.terminate();
    },
    preClose(done) {
      clearInterval(pings);
      for (const socket of app.websocketServer.clients) socket.close(goingAway, 'server is shutting down');
      const cut = setTimeout(cutOff, closeGraceMs);
      this.websocketServer.close(() => {
        clearTimeout(cut);
        cutOff();
        done();
      });
    },
  });
  const { clients } = app.websocketServer;

  // Once a connection asked for an upgrade, Node's server does not close it any more.
  const connections = new Set<Duplex>();
  app.server.on('upgrade', (_request, connection) => {
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
  });
  function cutOff(): void {
    for (const connection of connections) connection.destroy();
  }

  // A client that has not answered the last ping is gone, though TCP may not know for many minutes.
  const silent = new WeakSet<object>();
  const pings = setInterval(() => {
    for (const socket of clients) {
      if (silent.has(socket)) socket.terminate();
      else {
        silent.add(socket);
        socket.ping();
      }
    }
  }, pingEveryMs);
  app.websocketServer.on('connection', (socket) => {
    socket.on('pong', () => silent.delete(socket));
    socket.on('error', () => socket.terminate());
  });

  app.decorate('openSockets', () => clients.size);
  app.decorate('admitSocket', async (request) => {
    if (!request.ws) throw new CrewError('UPGRADE_REQUIRED', 'Upgrade Required');
    if (clients.size >= maxClients)
      throw new CrewError('TOO_MANY_CONNECTIONS', `at most ${maxClients} WebSockets may be open`);
  });
});
