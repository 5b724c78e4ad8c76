import type { MessageRow } from '@agentcrew/models';
import type { MessageType } from '@agentcrew/protocol';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Crew } from '../crew/crew.ts';
import { teamOf } from '../plugins/team-lookup.ts';
import { errors, teamParams } from '../schemas/common.ts';
import { listQuery, messageJson, messageSchema } from '../schemas/message.ts';

const chatTypes: MessageType[] = ['user_message', 'leader_response', 'task_result'];

const messagesQuery = listQuery(100, 500);
const activityQuery = listQuery(50, 200);

/** What was said and done in a team: `messages` for the chat, `activity` for everything. */
export async function messageRoutes(app: FastifyInstance, { crew }: { crew: Crew }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const base = { onRequest: app.findTeam };
  const schema = { tags: ['chat'], params: teamParams, response: { 200: z.array(messageSchema), ...errors(400, 404) } };

  function list(teamId: string, query: z.infer<typeof messagesQuery>, types: MessageType[] | undefined): MessageRow[] {
    const { limit, before, after } = query;
    if (after !== undefined) return crew.db.messages.after({ teamId, seq: after, types, limit });
    const cursor = before instanceof Date ? { before } : { beforeSeq: before };
    return crew.db.messages.page({ teamId, types, limit, ...cursor });
  }

  routes.get(
    '/api/teams/:id/messages',
    {
      ...base,
      schema: {
        ...schema,
        summary: 'Chat messages, newest first; with `after` oldest first from there',
        querystring: messagesQuery,
      },
    },
    async (request) => {
      const types = request.query.types?.length ? request.query.types : chatTypes;
      return list(teamOf(request).id, request.query, types).map(messageJson);
    },
  );

  routes.get(
    '/api/teams/:id/activity',
    {
      ...base,
      schema: {
        ...schema,
        summary: 'All messages, newest first; with `after` oldest first from there',
        querystring: activityQuery,
      },
    },
    async (request) => {
      const types = request.query.types?.length ? request.query.types : undefined;
      return list(teamOf(request).id, request.query, types).map(messageJson);
    },
  );
}
