import { CrewError } from '@agentcrew/protocol';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyInstance {
    /** A hook that answers 429 with `Retry-After` to more than `max` requests a minute of one key, or of one address. */
    limit: (options: { max: number; key?: (request: FastifyRequest) => string }) => Limit;
  }
}

type Limit = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** Rate limits where routes ask for them. They are kept in memory: a restart begins anew. */
export const limits = fp(async (app: FastifyInstance) => {
  await app.register(rateLimit, { global: false });
  app.decorate('limit', ({ max, key }) => {
    const count = app.createRateLimit({ max, timeWindow: 60_000, ...(key && { keyGenerator: key }) });
    return async (request, reply) => {
      const use = await count(request);
      if (use.isAllowed || !use.isExceeded) return;
      reply.header('retry-after', use.ttlInSeconds);
      throw new CrewError('RATE_LIMITED', `too many attempts, try again in ${use.ttlInSeconds} s`);
    };
  });
});
