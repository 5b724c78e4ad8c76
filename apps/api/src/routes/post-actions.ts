import type { PostAction, Trigger } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Crew } from '../crew/crew.ts';
import { keptAuth, keptHeaders } from '../crew/post-actions/kept-secrets.ts';
import { errors } from '../schemas/common.ts';
import {
  bindingJson,
  bindingPatchSchema,
  bindingSchema,
  listedPostActionSchema,
  newBindingSchema,
  newPostActionSchema,
  postActionDetailSchema,
  postActionJson,
  postActionPatchSchema,
  postActionRunJson,
  postActionRunSchema,
} from '../schemas/post-action.ts';
import { pageOf, pageQuery, pageRows } from '../schemas/run-page.ts';

const oneParams = z.object({ id: z.string() });
const bindingParams = z.object({ id: z.string(), bindingId: z.string() });

/** HTTP requests that follow the runs of schedules and webhooks. */
export async function postActionRoutes(app: FastifyInstance, { crew }: { crew: Crew }): Promise<void> {
  const { postActions, postActionBindings: bindings, postActionRuns } = crew.db;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ['post-actions'];

  function actionOf(orgId: string, id: string) {
    const action = postActions.get(orgId, id);
    if (!action) throw new CrewError('POST_ACTION_NOT_FOUND', 'post-action not found');
    return action;
  }

  function bindingOf(actionId: string, id: string) {
    const binding = bindings.get(actionId, id);
    if (!binding) throw new CrewError('POST_ACTION_BINDING_NOT_FOUND', 'binding not found');
    return binding;
  }

  function detail(action: PostAction) {
    return { ...postActionJson(action), bindings: bindings.ofAction(action.id).map(bindingJson) };
  }

  function checkTrigger(orgId: string, trigger: Trigger): void {
    if (bindings.triggerExists(orgId, trigger)) return;
    throw new CrewError('INVALID_REQUEST', `trigger_id: there is no such ${trigger.type}`);
  }

  // Before the body is read, so that 404 comes before 400.
  const one = {
    onRequest: async ({ identity, params }: FastifyRequest) =>
      void actionOf(identity.org_id, (params as z.infer<typeof oneParams>).id),
    schema: { tags, params: oneParams },
  };
  const oneBinding = {
    onRequest: async ({ identity, params }: FastifyRequest) => {
      const { id, bindingId } = params as z.infer<typeof bindingParams>;
      bindingOf(actionOf(identity.org_id, id).id, bindingId);
    },
    schema: { tags, params: bindingParams },
  };

  routes.get(
    '/api/post-actions',
    { schema: { tags, summary: 'List post-actions', response: { 200: z.array(listedPostActionSchema) } } },
    async ({ identity }) =>
      postActions
        .list(identity.org_id)
        .map(({ bindings_count, ...action }) => ({ ...postActionJson(action), bindings_count })),
  );

  routes.post(
    '/api/post-actions',
    {
      schema: {
        tags,
        summary: 'Create a post-action',
        body: newPostActionSchema,
        response: { 201: postActionDetailSchema, ...errors(400, 413) },
      },
    },
    async (request, reply) => {
      const { headers, auth_type = 'none', auth_config, ...values } = request.body;
      const action = postActions.insert({
        ...values,
        org_id: request.identity.org_id,
        headers: headers && keptHeaders(headers),
        auth_type,
        auth_config: keptAuth(auth_type, auth_config),
      });
      return reply.code(201).send(detail(action));
    },
  );

  routes.get(
    '/api/post-actions/:id',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Show a post-action with its bindings',
        response: { 200: postActionDetailSchema, ...errors(404) },
      },
    },
    async ({ identity, params }) => detail(actionOf(identity.org_id, params.id)),
  );

  routes.put(
    '/api/post-actions/:id',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Change a post-action; absent fields stay',
        description: 'Takes effect with the next attempt, also of runs that wait for one.',
        body: postActionPatchSchema,
        response: { 200: postActionDetailSchema, ...errors(400, 404, 413) },
      },
    },
    async ({ identity, params, body }) => {
      const stored = actionOf(identity.org_id, params.id);
      // What cannot be decrypted cannot be kept either.
      const known = stored.unreadable ? { headers: null, auth_config: null } : stored;
      const { headers, auth_config, auth_type, ...patch } = body;
      const type = auth_type ?? stored.auth_type;
      postActions.update(identity.org_id, stored.id, {
        ...patch,
        ...(headers && { headers: keptHeaders(headers, known.headers) }),
        ...((auth_type || auth_config) && {
          auth_type: type,
          auth_config: keptAuth(type, auth_config, known.auth_config),
        }),
      });
      return detail(actionOf(identity.org_id, stored.id));
    },
  );

  routes.delete(
    '/api/post-actions/:id',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Delete a post-action with its bindings and runs',
        response: { 204: z.undefined(), ...errors(404) },
      },
    },
    async (request, reply) => {
      postActions.delete(request.identity.org_id, request.params.id);
      return reply.code(204).send();
    },
  );

  routes.post(
    '/api/post-actions/:id/bindings',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Bind a post-action to a schedule or webhook',
        description: 'The binding goes with its schedule or webhook.',
        body: newBindingSchema,
        response: { 201: bindingSchema, ...errors(400, 404, 409, 413) },
      },
    },
    async ({ identity, params, body }, reply) => {
      checkTrigger(identity.org_id, { type: body.trigger_type, id: body.trigger_id });
      const { id } = bindings.insert({ ...body, ...override(body), post_action_id: params.id });
      return reply.code(201).send(bindingJson(bindingOf(params.id, id)));
    },
  );

  routes.put(
    '/api/post-actions/:id/bindings/:bindingId',
    {
      ...oneBinding,
      schema: {
        ...oneBinding.schema,
        summary: 'Change a binding; absent fields stay',
        body: bindingPatchSchema,
        response: { 200: bindingSchema, ...errors(400, 404, 409, 413) },
      },
    },
    async ({ identity, params, body }) => {
      const { trigger_type, trigger_id } = { ...bindingOf(params.id, params.bindingId).binding, ...body };
      checkTrigger(identity.org_id, { type: trigger_type, id: trigger_id });
      bindings.update(params.id, params.bindingId, { ...body, ...override(body) });
      return bindingJson(bindingOf(params.id, params.bindingId));
    },
  );

  routes.delete(
    '/api/post-actions/:id/bindings/:bindingId',
    {
      ...oneBinding,
      schema: {
        ...oneBinding.schema,
        summary: 'Remove a binding',
        response: { 204: z.undefined(), ...errors(404) },
      },
    },
    async (request, reply) => {
      bindings.delete(request.params.id, request.params.bindingId);
      return reply.code(204).send();
    },
  );

  routes.get(
    '/api/post-actions/:id/runs',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'What a post-action did, newest first',
        querystring: pageQuery,
        response: { 200: pageOf(postActionRunSchema), ...errors(404) },
      },
    },
    async ({ params, query }) => {
      const { page, per_page, ...range } = pageRows(query);
      const { rows, total } = postActionRuns.page(params.id, range);
      return { data: rows.map(postActionRunJson), total, page, per_page };
    },
  );
}

/** An empty `body_override` is none. */
function override({ body_override }: { body_override?: string | undefined }) {
  return body_override === '' ? { body_override: null } : {};
}
