import type { Database, Numbered, NumberedPage } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { errors } from '../schemas/common.ts';
import { bindingJson, bindingSchema } from '../schemas/post-action.ts';
import { pageOf, pageQuery, pageRows } from '../schemas/run-page.ts';
import { pageJson } from '../schemas/trigger.ts';

const params = z.object({ id: z.string() });
const runParams = z.object({ id: z.string(), runId: z.string() });

export interface TriggerRunsOptions<Row> {
  type: 'schedule' | 'webhook';
  /** Throws the trigger's 404. */
  find(request: Pick<FastifyRequest, 'params' | 'identity'>): { id: string; org_id: string };
  runs: { run(trigger: string, id: string): Row | undefined; runs(trigger: string, page: NumberedPage): Numbered<Row> };
  schema: z.ZodType;
  toJson(row: Row): object;
  /** Name of a page of runs in the OpenAPI document. */
  pageName: string;
  bindings: Database['postActionBindings'];
}

/** What has followed, and what follows, when a trigger fires: its runs and its post-actions. */
export function triggerRunRoutes<Row>(app: FastifyInstance, options: TriggerRunsOptions<Row>): void {
  const { type, find, runs, schema, toJson, pageName, bindings } = options;
  const path = `/api/${type}s/:id`;
  const tags = [`${type}s`];
  const onRequest = async (request: FastifyRequest) => void find(request);

  app.get<{ Querystring: z.infer<typeof pageQuery> }>(
    `${path}/runs`,
    {
      onRequest,
      schema: {
        tags,
        params,
        summary: `Runs of a ${type}, newest first`,
        querystring: pageQuery,
        response: { 200: pageOf(schema).meta({ id: pageName }), ...errors(404) },
      },
    },
    async (request) => {
      const { page: number, per_page } = pageRows(request.query);
      const page = { page: number, perPage: per_page };
      return pageJson(runs.runs(find(request).id, page), page, toJson);
    },
  );

  app.get<{ Params: z.infer<typeof runParams> }>(
    `${path}/runs/:runId`,
    {
      onRequest,
      schema: { tags, params: runParams, summary: 'Show a run', response: { 200: schema, ...errors(404) } },
    },
    async (request) => {
      const run = runs.run(find(request).id, request.params.runId);
      if (!run) throw new CrewError('RUN_NOT_FOUND', 'run not found');
      return toJson(run);
    },
  );

  app.get(
    `${path}/post-actions`,
    {
      onRequest,
      schema: {
        tags,
        params,
        summary: 'Post-actions that follow its runs',
        response: { 200: z.array(bindingSchema), ...errors(404) },
      },
    },
    async (request) => {
      const { id, org_id } = find(request);
      return bindings.ofTrigger(org_id, { type, id }).map(bindingJson);
    },
  );
}
