import { messageOf } from '@agentcrew/protocol';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Auth } from '../auth/auth.ts';
import { openToStrangers } from '../auth/open-to-strangers.ts';
import type { Crew } from '../crew/crew.ts';

const healthSchema = z.object({ status: z.string(), errors: z.array(z.string()).optional() });
const readySchema = z.object({ status: z.enum(['ready', 'unavailable']), checks: z.record(z.string(), z.string()) });

export interface OperationRoutesOptions {
  crew: Crew;
  auth: Auth;
  /** Whether only this machine can reach the server. */
  onLoopback: boolean;
}

/** `GET /health`: the process and its database. `GET /ready`: all that running teams need. */
export async function operationRoutes(app: FastifyInstance, options: OperationRoutesOptions): Promise<void> {
  const { crew, auth, onLoopback } = options;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  function databaseProblem(): string | undefined {
    try {
      crew.db.ping();
      return undefined;
    } catch (error) {
      return `database: ${messageOf(error)}`;
    }
  }

  routes.get(
    '/health',
    {
      schema: {
        tags: ['operations'],
        security: [],
        summary: 'Whether the server works',
        response: { 200: healthSchema, 503: healthSchema },
      },
    },
    async (_request, reply) => {
      const problem = databaseProblem();
      if (!problem) return { status: 'ok' };
      return reply.code(503).send({ status: 'unhealthy', errors: [problem] });
    },
  );

  routes.get(
    '/ready',
    {
      schema: {
        tags: ['operations'],
        security: [],
        summary: 'Whether the server and the buses of its running teams work',
        response: { 200: readySchema, 503: readySchema },
      },
    },
    async (_request, reply) => {
      const problem = databaseProblem();
      const checks: Record<string, string> = { database: problem ?? 'ok', runtime: crew.runtime.name };
      const running = problem ? [] : crew.db.teams.all().filter(({ status }) => status === 'running');
      const away = running.filter(({ id }) => !crew.buses.get(id)?.connected);
      // Whoever asks is not known here, and what the teams of others are called is not for everybody.
      const names = auth.provider === 'noop' ? away.map(({ slug }) => slug).join(', ') : `${away.length} teams`;
      checks.nats = away.length === 0 ? 'ok' : `not connected for ${names}`;
      checks.auth = openToStrangers(auth, onLoopback) ?? auth.provider;
      const ready = !problem && (away.length === 0 || crew.runtime.name === 'mock');
      return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'unavailable', checks });
    },
  );
}
