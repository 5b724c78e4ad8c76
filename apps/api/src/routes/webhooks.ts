import type { WebhookRow } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Crew } from '../crew/crew.ts';
import type { WebhookWithToken } from '../crew/runs/webhooks.ts';
import { errors } from '../schemas/common.ts';
import {
  newWebhookSchema,
  webhookJson,
  webhookPatchSchema,
  webhookRunJson,
  webhookRunSchema,
  webhookSchema,
  webhookWithTokenSchema,
} from '../schemas/webhook.ts';
import { triggerRunRoutes } from './trigger-runs.ts';

const params = z.object({ id: z.string() });

/** Webhooks: read, create, change, delete. Calling them is another file's. */
export async function webhookRoutes(app: FastifyInstance, { crew }: { crew: Crew }): Promise<void> {
  const { db, runs, webhooks } = crew;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ['webhooks'];

  function find({ params, identity }: Pick<FastifyRequest, 'params' | 'identity'>): WebhookRow {
    const webhook = db.webhooks.get((params as { id: string }).id);
    if (webhook?.org_id !== identity.org_id) throw new CrewError('WEBHOOK_NOT_FOUND', 'webhook not found');
    return webhook;
  }

  function teamOf(teamId: string, orgId: string) {
    const team = db.teams.get(teamId);
    if (team?.org_id !== orgId) throw new CrewError('INVALID_REQUEST', 'team not found');
    return team;
  }

  const full = (row: WebhookRow) =>
    webhookJson(row, teamOf(row.team_id, row.org_id), db.agents.listByTeam(row.team_id));
  const withToken = ({ webhook, token }: WebhookWithToken) => ({ webhook: full(webhook), token });

  function updated(id: string, patch: Parameters<typeof db.webhooks.update>[1]) {
    const webhook = db.webhooks.update(id, patch);
    if (!webhook) throw new CrewError('WEBHOOK_NOT_FOUND', 'webhook not found');
    return full(webhook);
  }

  const one = { onRequest: async (request: FastifyRequest) => void find(request), schema: { tags, params } };

  routes.get(
    '/api/webhooks',
    { schema: { tags, summary: 'List webhooks, newest first', response: { 200: z.array(webhookSchema) } } },
    async ({ identity }) => db.webhooks.list(identity.org_id).map(full),
  );

  routes.post(
    '/api/webhooks',
    {
      schema: {
        tags,
        summary: 'Create a webhook; its token is shown this once',
        body: newWebhookSchema,
        response: { 201: webhookWithTokenSchema, ...errors(400) },
      },
    },
    async ({ body: { signing_secret, ...body }, identity }, reply) => {
      const { id: team_id } = teamOf(body.team_id, identity.org_id);
      const values = { ...body, team_id, org_id: identity.org_id, signing_secret: signing_secret || null };
      return reply.code(201).send(withToken(webhooks.create(values)));
    },
  );

  routes.get(
    '/api/webhooks/:id',
    {
      ...one,
      schema: { ...one.schema, summary: 'Show a webhook', response: { 200: webhookSchema, ...errors(404) } },
    },
    async (request) => full(find(request)),
  );

  routes.put(
    '/api/webhooks/:id',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Change a webhook; absent fields stay',
        body: webhookPatchSchema,
        response: { 200: webhookSchema, ...errors(400, 404) },
      },
    },
    async (request) => {
      const { signing_secret, ...patch } = request.body;
      const secret = signing_secret === undefined ? {} : { signing_secret: signing_secret || null };
      return updated(find(request).id, { ...patch, ...secret });
    },
  );

  routes.delete(
    '/api/webhooks/:id',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Delete a webhook with its runs; those that are under way are ended',
        response: { 204: z.undefined(), ...errors(404) },
      },
    },
    async (request, reply) => {
      const { id } = find(request);
      runs.cancel('webhook', id, 'The webhook was deleted.');
      db.webhooks.delete(id);
      return reply.code(204).send();
    },
  );

  routes.patch(
    '/api/webhooks/:id/toggle',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Switch a webhook on or off; runs that are under way go on',
        response: { 200: webhookSchema, ...errors(404) },
      },
    },
    async (request) => {
      const { id, enabled } = find(request);
      return updated(id, { enabled: !enabled });
    },
  );

  routes.post(
    '/api/webhooks/:id/regenerate',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Give a webhook a new token; the old one is void at once',
        response: { 200: webhookWithTokenSchema, ...errors(404) },
      },
    },
    async (request) => withToken(webhooks.regenerate(find(request))),
  );

  triggerRunRoutes(app, {
    type: 'webhook',
    find,
    runs: db.webhooks,
    schema: webhookRunSchema,
    toJson: webhookRunJson,
    pageName: 'WebhookRuns',
    bindings: db.postActionBindings,
  });
}
