import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { withoutToken } from './hidden-token.ts';

interface KnownRoute {
  pattern: RegExp;
  method: string;
}

/** 404 for unknown paths, 405 with `Allow` for a known path with another method, 426 for a WebSocket path without upgrade. */
export const notFound = fp(async (app: FastifyInstance) => {
  const routes: KnownRoute[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    if (url.includes('*')) return;
    const pattern = new RegExp(`^${url.replace(/\/$/, '').replaceAll(/:[^/]+/g, '[^/]+')}/?$`, 'i');
    for (const one of [method].flat()) routes.push({ pattern, method: one });
  });

  function refuse(request: FastifyRequest, reply: FastifyReply): never {
    const path = request.url.split('?')[0] ?? '';
    const shown = withoutToken(path);
    if (/^\/ws(\/|$)/i.test(path) && request.headers.upgrade?.toLowerCase() !== 'websocket') {
      throw new CrewError('UPGRADE_REQUIRED', 'Upgrade Required');
    }
    const allowed = [...new Set(routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))];
    if (allowed.length === 0) throw new CrewError('NOT_FOUND', `Cannot ${request.method} ${shown}`);
    reply.header('allow', allowed.join(', '));
    throw new CrewError('METHOD_NOT_ALLOWED', `Method ${request.method} is not allowed for ${shown}`);
  }

  // Its body is not read: nobody needs it, and anybody may send one.
  app.addHook('preParsing', async (request, reply) => {
    if (request.is404) refuse(request, reply);
  });
  app.setNotFoundHandler(refuse);
});
