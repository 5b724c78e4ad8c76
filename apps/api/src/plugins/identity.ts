import { defaultOrgId } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Auth } from '../auth/auth.ts';
import { everybody, type Identity } from '../auth/identity.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; throws on a route that is open to strangers. */
    identity: Identity;
    /** The same, without a throw: unset for strangers. */
    recognised: Identity | undefined;
  }
}

/** What needs no sign-in, by the pattern of the route. Whatever is not here does. */
const publicRoutes = new Set([
  '/health',
  '/ready',
  '/openapi.json',
  '/webhook/trigger/:token',
  '/api/auth/config',
  '/api/auth/login',
  '/api/auth/register',
  '/api/auth/register/invite',
  '/api/auth/refresh',
  '/api/auth/invite/:token',
]);

/** What somebody may do whose password was chosen by another. */
const beforePasswordChange = new Set(['/api/auth/me', '/api/auth/me/password', '/api/auth/logout']);

/** Says of every request who asks, and answers 401 where somebody has to. */
export const identity = fp(async (app: FastifyInstance, { auth }: { auth: Auth }) => {
  app.decorateRequest('recognised', undefined);
  app.decorateRequest('identity', {
    getter(this: FastifyRequest) {
      if (!this.recognised) throw new Error('the route is open to strangers, and asks who they are');
      return this.recognised;
    },
  });

  app.addHook('onRequest', async (request, reply) => {
    if (auth.provider === 'noop') {
      request.recognised = everybody;
      return;
    }
    const route = request.routeOptions.url;
    if (isPublic(route, request.url)) return;
    const asking = await recognise(auth, request);
    if (!asking) {
      reply.header('www-authenticate', 'Bearer');
      throw new CrewError('UNAUTHENTICATED', 'sign in: the access token or API key is missing, invalid or expired');
    }
    if (asking.must_change_password && !beforePasswordChange.has(route ?? ''))
      throw new CrewError('PASSWORD_CHANGE_REQUIRED', 'change your password first (PUT /api/auth/me/password)');
    request.recognised = asking;
  });
});

/** Hook: 403 where there is no sign-in. What somebody unknown would get there must not be good once there is. */
export function signInOnly({ provider }: Auth): () => Promise<void> {
  return async () => {
    if (provider === 'noop') throw new CrewError('SIGN_IN_OFF', 'there is no sign-in here: AUTH_PROVIDER is noop');
  };
}

/** Hook: 403 for everybody who is no admin of their organisation. */
export async function adminOnly(request: FastifyRequest): Promise<void> {
  if (request.identity.role !== 'admin') throw new CrewError('FORBIDDEN', 'only admins may do this');
}

/** Hook: 403 for everybody but the admins of the first organisation, who run the server. */
export async function operatorOnly(request: FastifyRequest): Promise<void> {
  const { role, org_id } = request.identity;
  if (role !== 'admin' || org_id !== defaultOrgId)
    throw new CrewError('FORBIDDEN', 'only admins of the first organization of this server may see this');
}

/** Unknown paths are told apart from known ones only to those who may know. */
function isPublic(route: string | undefined, url: string): boolean {
  if (route === undefined) return !/^\/(api|ws|metrics)(\/|\?|$)/i.test(url);
  return publicRoutes.has(route) || route === '/docs' || route.startsWith('/docs/');
}

async function recognise(auth: Auth, request: FastifyRequest): Promise<Identity | undefined> {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer) return auth.recogniser.recognise(bearer);
  // Browsers cannot send a header with a WebSocket.
  if (!request.ws) return undefined;
  const { ticket, token } = request.query as Record<string, unknown>;
  if (typeof ticket === 'string') {
    const credential = auth.tickets.redeem(ticket);
    return credential && auth.recogniser.again(credential);
  }
  return typeof token === 'string' ? auth.recogniser.recognise(token) : undefined;
}
