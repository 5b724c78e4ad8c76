import { CrewError, fileRefSchema as fileRef, mostFiles } from '@agentcrew/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { findAgent } from '../crew/addressee.ts';
import { acceptChatWithFiles } from '../crew/attachments.ts';
import type { Crew } from '../crew/crew.ts';
import { chatForm } from '../plugins/chat-form.ts';
import { teamOf } from '../plugins/team-lookup.ts';
import { errors, idempotencyKeyHeader, idempotencyKeySchema, teamParams } from '../schemas/common.ts';
import { fileRefSchema } from '../schemas/file.ts';

/** A chat message on the bus has to fit into the 1 MiB that nats-server takes by default, JSON escapes included. */
const maxPayloadBytes = 900 * 1024;

const chatSchema = z
  .object({
    message: z.string().min(1, 'is required').describe('What the agent is to do'),
    agent: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe("Name, slug or id of the agent that is to answer; absent: the team's leader"),
  })
  .meta({ id: 'ChatMessage' });

const formSchema = chatSchema
  .extend({
    files: z
      .array(z.file())
      .max(mostFiles)
      .optional()
      .describe('At most 10 MiB each; the agent finds them in `uploads`'),
  })
  .meta({ id: 'ChatForm' });

const headersSchema = z.object({
  [idempotencyKeyHeader]: idempotencyKeySchema.describe(
    'The same key in the same team gives the same message back, and sends nothing',
  ),
});

const acceptedSchema = z
  .object({
    status: z.literal('queued'),
    message: z.string(),
    message_id: z.string().describe('The reply carries it as `ref_message_id`'),
    seq: z.int(),
    files: z.array(fileRefSchema).optional(),
  })
  .meta({ id: 'ChatAccepted' });

export interface ChatOptions {
  crew: Crew;
  /** Where files wait until they are in a workspace. */
  receivedFolder: string;
}

/** Chat with a team. The answer only says that the message is stored; it is delivered also after a crash. */
export async function chatRoutes(app: FastifyInstance, { crew, receivedFolder }: ChatOptions): Promise<void> {
  await app.register(chatForm, { folder: receivedFolder });

  async function requireRunning(request: FastifyRequest): Promise<void> {
    const team = teamOf(request);
    if (team.status === 'running') return;
    const key = request.headers[idempotencyKeyHeader];
    const isKnown = typeof key === 'string' && crew.db.messages.byIdempotencyKey(team.id, key);
    if (!isKnown) throw new CrewError('TEAM_NOT_RUNNING', 'team is not running');
  }

  /** A body without content type is of no schema. */
  async function requireBody({ body }: FastifyRequest): Promise<void> {
    if (body === undefined) throw new CrewError('INVALID_REQUEST', 'invalid request body: a JSON object is required');
  }

  function addressee(teamId: string, given: string | undefined) {
    if (given === undefined) return undefined;
    const agent = findAgent(crew.db.agents.listByTeam(teamId), given);
    if (!agent) throw new CrewError('AGENT_NOT_FOUND', 'agent not found');
    return agent;
  }

  app.withTypeProvider<ZodTypeProvider>().post(
    '/api/teams/:id/chat',
    {
      onRequest: [app.findTeam, requireRunning],
      preValidation: requireBody,
      schema: {
        tags: ['chat'],
        summary: "Send a message to the team's leader, or to another agent",
        params: teamParams,
        headers: headersSchema,
        body: {
          content: { 'application/json': { schema: chatSchema }, 'multipart/form-data': { schema: formSchema } },
        },
        response: { 200: acceptedSchema, ...errors(400, 404, 409, 413, 429) },
      },
    },
    async (request) => {
      const { message, agent } = request.body as z.infer<typeof chatSchema>;
      const bytes = Buffer.byteLength(JSON.stringify(message));
      if (bytes > maxPayloadBytes) {
        throw new CrewError('PAYLOAD_TOO_LARGE', `message is too large: ${bytes} bytes of at most ${maxPayloadBytes}`);
      }
      const { id } = teamOf(request);
      const to = addressee(id, agent);
      const idempotencyKey = request.headers[idempotencyKeyHeader];
      const row = await acceptChatWithFiles(crew, id, {
        content: message,
        files: request.receivedFiles ?? [],
        ...(to && { to }),
        ...(idempotencyKey && { idempotencyKey }),
      });
      const { data: files } = z.array(fileRef).safeParse(row.payload.files);
      return {
        status: 'queued' as const,
        message: to ? `Message queued for ${to.name}` : 'Message queued for the team leader',
        message_id: row.message_id,
        seq: row.seq,
        ...(files && { files }),
      };
    },
  );
}
