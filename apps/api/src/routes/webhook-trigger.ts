import type { Run, WebhookRow } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Crew } from '../crew/crew.ts';
import { isSignedBy } from '../crew/runs/webhook-token.ts';
import { errors, flagSchema, idempotencyKeyHeader, idempotencyKeySchema } from '../schemas/common.ts';
import { webhookAnswerSchema, webhookCallSchema } from '../schemas/webhook.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The webhook of the token in the path. */
    webhook: WebhookRow | undefined;
  }
}

/** Guesses of one address; a right token is never held up. */
const guesses = { max: 20, timeWindow: 60_000 };
/** When a call that was one too many may be worth another try. */
const retryAfterSeconds = 5;

const signatureHeader = 'x-signature-256';

const headersSchema = z.object({
  [idempotencyKeyHeader]: idempotencyKeySchema.describe('The same key gives the same run back, and begins none'),
  [signatureHeader]: z
    .string()
    .optional()
    .describe('For a webhook with a signing secret: `sha256=` and the hex of the HMAC-SHA256 of the body'),
});

const waitQuery = z.object({
  wait: flagSchema.describe('Whether to answer when the run has ended'),
});

/** `POST /webhook/trigger/:token`: open to whoever has the token, which is in no log and no error. */
export async function webhookTriggerRoutes(app: FastifyInstance, { crew }: { crew: Crew }): Promise<void> {
  const { runs, webhooks } = crew;
  await app.register(rateLimit, { global: false });
  const guess = app.createRateLimit(guesses);
  app.decorateRequest('webhook', undefined);

  async function findWebhook(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    request.webhook = webhooks.byToken((request.params as { token: string }).token);
    if (request.webhook) return;
    const limit = await guess(request);
    if (limit.isAllowed || !limit.isExceeded) throw new CrewError('WEBHOOK_TOKEN_UNKNOWN', 'unknown token');
    reply.header('retry-after', limit.ttlInSeconds);
    throw new CrewError('RATE_LIMITED', 'too many unknown tokens, try again later');
  }

  async function checkSignature(request: FastifyRequest): Promise<void> {
    const secret = webhookOf(request).signing_secret;
    if (secret === null || isSignedBy(secret, request.rawBody ?? new Uint8Array(), request.headers[signatureHeader]))
      return;
    throw new CrewError('SIGNATURE_INVALID', `the body needs its signature in ${signatureHeader}`);
  }

  function trigger(request: FastifyRequest, reply: FastifyReply, variables: Record<string, string>) {
    const idempotencyKey = request.headers[idempotencyKeyHeader];
    try {
      return webhooks.trigger(webhookOf(request), {
        variables,
        idempotencyKey: typeof idempotencyKey === 'string' ? idempotencyKey : undefined,
        callerIp: request.ip,
      });
    } catch (error) {
      if (error instanceof CrewError && error.code === 'TOO_MANY_RUNS') reply.header('retry-after', retryAfterSeconds);
      throw error;
    }
  }

  /** `undefined`: the caller has gone; the run goes on. */
  async function ended(runId: string, reply: FastifyReply): Promise<Run | undefined> {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    try {
      return await runs.ended({ type: 'webhook', id: runId }, gone.signal);
    } catch (error) {
      if (gone.signal.aborted) return undefined;
      throw error;
    }
  }

  app.withTypeProvider<ZodTypeProvider>().post(
    '/webhook/trigger/:token',
    {
      config: { rawBody: true },
      onRequest: findWebhook,
      // Looked up again: while the body came, the token may have become void, or the signature another one's.
      preValidation: [findWebhook, checkSignature, withBody],
      schema: {
        tags: ['webhooks'],
        security: [],
        summary: 'Trigger a webhook: its prompt goes to the team',
        params: z.object({ token: z.string() }),
        querystring: waitQuery,
        headers: headersSchema,
        body: webhookCallSchema,
        response: {
          200: webhookAnswerSchema.describe('With `wait=true`: how the run has ended'),
          202: webhookAnswerSchema,
          ...errors(400, 401, 403, 404, 409, 413, 429),
        },
      },
    },
    async (request, reply) => {
      const { id, status } = trigger(request, reply, request.body.variables ?? {});
      if (!request.query.wait) return reply.code(202).send({ run_id: id, status });
      const run = await ended(id, reply);
      return run ? reply.code(200).send(answerOf(run)) : reply.hijack();
    },
  );
}

/** A call without a body is one without variables. */
async function withBody(request: FastifyRequest): Promise<void> {
  request.body ??= {};
}

function webhookOf({ webhook }: FastifyRequest): WebhookRow {
  if (!webhook) throw new Error('the route lacks its hook');
  return webhook;
}

function answerOf({ id, status, response_received, error, started_at, finished_at }: Run) {
  return {
    run_id: id,
    status,
    ...(status === 'success' ? { response: response_received } : { error }),
    ...(finished_at && { duration_ms: finished_at.getTime() - started_at.getTime() }),
  };
}
