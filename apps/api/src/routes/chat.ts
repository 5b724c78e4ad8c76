import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Crew } from '../crew/crew.ts';
import { teamOf } from '../plugins/team-lookup.ts';
import { errors, teamParams } from '../schemas/common.ts';

/** A chat message on the bus has to fit into the 1 MiB that nats-server takes by default, JSON escapes included. */
const maxPayloadBytes = 900 * 1024;

const chatSchema = z
  .object({ message: z.string().min(1, 'is required').describe('What the leader is to do') })
  .meta({ id: 'ChatMessage' });

const acceptedSchema = z
  .object({
    status: z.literal('queued'),
    message: z.string(),
    message_id: z.string().describe('The reply carries it as `ref_message_id`'),
    seq: z.int(),
  })
  .meta({ id: 'ChatAccepted' });

/** Chat with a team's leader. The answer only says that the message is stored; it is delivered also after a crash. */
export async function chatRoutes(app: FastifyInstance, { crew }: { crew: Crew }): Promise<void> {
  app.withTypeProvider<ZodTypeProvider>().post(
    '/api/teams/:id/chat',
    {
      onRequest: [
        app.findTeam,
        async (request) => {
          if (teamOf(request).status !== 'running') throw new CrewError('TEAM_NOT_RUNNING', 'team is not running');
        },
      ],
      schema: {
        tags: ['chat'],
        summary: "Send a message to the team's leader",
        params: teamParams,
        body: chatSchema,
        response: { 200: acceptedSchema, ...errors(400, 404, 409, 413) },
      },
    },
    async (request) => {
      const { message } = request.body;
      const bytes = Buffer.byteLength(JSON.stringify(message));
      if (bytes > maxPayloadBytes) {
        throw new CrewError('PAYLOAD_TOO_LARGE', `message is too large: ${bytes} bytes of at most ${maxPayloadBytes}`);
      }
      const row = crew.acceptChat(teamOf(request).id, message);
      return {
        status: 'queued' as const,
        message: 'Message queued for the team leader',
        message_id: row.message_id,
        seq: row.seq,
      };
    },
  );
}
