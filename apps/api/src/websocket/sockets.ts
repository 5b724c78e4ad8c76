import { CrewError } from '@agentcrew/protocol';
import fastifyWebsocket from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyInstance {
    /** Hook: 429 when too many WebSockets are open. */
    limitSockets: () => Promise<void>;
    /** WebSocket connections open now. */
    openSockets: () => number;
  }
}

const pingEveryMs = 30_000;
/** Clients have nothing to say here: a large frame is a mistake. */
const maxIncomingBytes = 64 * 1024;
const goingAway = 1001;

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
      this.websocketServer.close(done);
    },
  });
  const { clients } = app.websocketServer;

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
  app.decorate('limitSockets', async () => {
    if (clients.size >= maxClients)
      throw new CrewError('TOO_MANY_CONNECTIONS', `at most ${maxClients} WebSockets may be open`);
  });
});
