import type { IncomingMessage } from 'node:http';
import type { WebSocket } from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import type { Auth } from '../auth/auth.ts';
import type { Credential } from '../auth/identity.ts';

export interface SocketGuardOptions {
  auth: Auth;
  /** Milliseconds. */
  everyMs: number;
}

const policyViolation = 1008;

/** Closes the WebSockets of those who may not have them any more: signed out, removed, or with another password. */
export const socketGuard = fp(async (app: FastifyInstance, { auth, everyMs }: SocketGuardOptions) => {
  if (auth.provider === 'noop') return;
  const asked = new WeakMap<IncomingMessage, Credential>();
  const open = new Map<WebSocket, Credential>();

  app.addHook('onRequest', async (request) => {
    const credential = request.ws ? request.recognised?.credential : undefined;
    if (credential) asked.set(request.raw, credential);
  });
  app.websocketServer.on('connection', (socket: WebSocket, request: IncomingMessage) => {
    const credential = asked.get(request);
    if (!credential) return;
    open.set(socket, credential);
    socket.on('close', () => open.delete(socket));
  });

  function check(): void {
    for (const [socket, credential] of open) {
      const known = auth.recogniser.again(credential);
      if (!known || known.must_change_password) socket.close(policyViolation, 'signed out');
    }
  }
  function checkAll(): void {
    try {
      check();
    } catch (error) {
      app.log.warn({ err: error }, 'open WebSockets could not be checked');
    }
  }

  // At once after whatever may have ended a sign-in, and by and by for what ends with time. What strangers are refused
  // is no reason to look at every socket, save that a refresh token that comes twice ends its session.
  app.addHook('onResponse', async ({ method, routeOptions: { url = '' } }, { statusCode }) => {
    const done = statusCode < 400 || url === '/api/auth/refresh';
    if (method !== 'GET' && done && /^\/api\/(?:auth|org)\//.test(url)) checkAll();
  });
  const timer = setInterval(checkAll, everyMs);
  app.addHook('onClose', async () => clearInterval(timer));
});
