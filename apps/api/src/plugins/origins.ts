import { isIP } from 'node:net';
import { CrewError } from '@agentcrew/protocol';
import fastifyCors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { isLoopback } from '../listen-address.ts';

/** How long a browser need not ask again whether it may. */
const preflightSeconds = 600;

export interface OriginOptions {
  /** Allowed origins of browsers: full origins, `loopback`, or `*`. */
  allowed: string[];
  /** Whether only this machine can reach the server. */
  onLoopback: boolean;
}

/**
 * Without sign-in, whatever page a person opens could call a server on their machine; with it, it could still be the
 * first to register, or guess passwords. So a browser's request from an
 * origin that is not allowed is refused (403), WebSockets included, which CORS does not cover; and a server that only
 * listens on loopback refuses host names of others (421), which is how DNS rebinding arrives.
 */
export const origins = fp(async (app: FastifyInstance, { allowed, onLoopback }: OriginOptions) => {
  app.addHook('onRequest', async (request) => {
    const host = request.headers.host ?? '';
    if (onLoopback && !isLocalName(hostname(host))) {
      throw new CrewError('MISDIRECTED_REQUEST', `this server does not answer for the host ${hostname(host)}`);
    }
    const { origin } = request.headers;
    if (origin && !isAllowed(origin, allowed) && !isSameHost(origin, host)) {
      throw new CrewError('ORIGIN_NOT_ALLOWED', `the origin ${origin} is not allowed, see CORS_ORIGINS`);
    }
  });

  await app.register(fastifyCors, {
    origin: (origin, done) =>
      done(null, allowed.includes('*') ? '*' : origin !== undefined && isAllowed(origin, allowed)),
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    allowedHeaders: ['Origin', 'Content-Type', 'Accept', 'Authorization', 'Idempotency-Key'],
    maxAge: preflightSeconds,
    exposedHeaders: ['X-Request-ID', 'Retry-After', 'Content-Disposition', 'Content-Range', 'Accept-Ranges', 'ETag'],
    strictPreflight: false,
  });
});

function isAllowed(origin: string, allowed: string[]): boolean {
  if (allowed.includes('*') || allowed.includes(origin)) return true;
  return allowed.includes('loopback') && URL.canParse(origin) && isOfThisMachine(bare(new URL(origin).hostname));
}

/** Browsers send `localhost` and all names below it to this machine, whatever a name server says. */
function isOfThisMachine(name: string): boolean {
  return isLoopback(name) || name.endsWith('.localhost');
}

function isLocalName(name: string): boolean {
  return name === '' || isOfThisMachine(name) || isIP(name) !== 0;
}

function hostname(host: string): string {
  const url = `http://${host}`;
  return host !== '' && URL.canParse(url) ? bare(new URL(url).hostname) : host;
}

/** `[::1]` as `::1`. */
function bare(name: string): string {
  return name.replace(/^\[|\]$/g, '');
}

/** `null` (a file, a sandboxed frame) is never the same host. */
function isSameHost(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host;
}
