import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Crew } from '../crew/crew.ts';
import { teamOf } from '../plugins/team-lookup.ts';
import { approvalJson, approvalSchema, approvalsQuery, decisionFor, decisionSchema } from '../schemas/approval.ts';
import { errors, teamParams } from '../schemas/common.ts';

const oneParams = z.object({ id: z.string(), approvalId: z.string() });

/** What agents ask a person, and the answers. */
export async function approvalRoutes(app: FastifyInstance, { crew }: { crew: Crew }): Promise<void> {
  const { db, approvals } = crew;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ['approvals'];

  function find(teamId: string, approvalId: string) {
    const approval = db.approvals.get(teamId, approvalId);
    if (!approval) throw new CrewError('APPROVAL_NOT_FOUND', 'approval not found');
    return approval;
  }

  const one = {
    onRequest: [
      app.findTeam,
      async ({ params }: { params: unknown }) => {
        const { id, approvalId } = params as z.infer<typeof oneParams>;
        find(id, approvalId);
      },
    ],
    schema: { tags, params: oneParams },
  };

  routes.get(
    '/api/teams/:id/approvals',
    {
      onRequest: app.findTeam,
      schema: {
        tags,
        summary: 'What agents ask a person, newest first',
        params: teamParams,
        querystring: approvalsQuery,
        response: { 200: z.array(approvalSchema), ...errors(400, 404) },
      },
    },
    async (request) => {
      const { status, before, limit } = request.query;
      const cursor = before instanceof Date ? { before } : { beforeId: before };
      return db.approvals.page({ teamId: teamOf(request).id, status, limit, ...cursor }).map(approvalJson);
    },
  );

  routes.get(
    '/api/teams/:id/approvals/:approvalId',
    {
      ...one,
      schema: { ...one.schema, summary: 'Show an approval', response: { 200: approvalSchema, ...errors(404) } },
    },
    async ({ params }) => approvalJson(find(params.id, params.approvalId)),
  );

  routes.post(
    '/api/teams/:id/approvals/:approvalId',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Decide: allow or deny the call, or answer the question',
        body: decisionSchema,
        response: { 200: approvalSchema, ...errors(400, 404, 409, 413) },
      },
    },
    async ({ params, body }) => {
      const approval = find(params.id, params.approvalId);
      return approvalJson(await approvals.decide(approval, decisionFor(approval, body)));
    },
  );
}
