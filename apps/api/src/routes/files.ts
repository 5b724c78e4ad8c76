import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { CrewError, type FilePart, folderEntrySchema } from '@agentcrew/protocol';
import { create as contentDisposition } from 'content-disposition';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { wantedPart } from '../content-range.ts';
import { findAgent, leaderOf } from '../crew/addressee.ts';
import { type AgentFiles, agentFiles } from '../crew/agent-files.ts';
import type { Crew } from '../crew/crew.ts';
import { fileContent } from '../crew/file-content.ts';
import { mediaTypeOf } from '../media-type.ts';
import { teamOf } from '../plugins/team-lookup.ts';
import { errors, teamParams } from '../schemas/common.ts';

const agentSchema = z
  .string()
  .min(1)
  .max(100)
  .optional()
  .describe("Name, slug or id of the agent whose workspace it is; absent: the team's leader");
const pathSchema = z.string().max(4096);

const listQuery = z.object({
  path: pathSchema.default('').describe('Relative to the workspace; absent: the workspace itself'),
  agent: agentSchema,
  offset: z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .prefault('0')
    .describe('How many entries to leave out, to see more than the first 1000'),
});

const contentQuery = z.object({
  path: pathSchema.min(1, 'is required').describe('Relative to the workspace'),
  agent: agentSchema,
});

const folderSchema = z
  .object({
    path: z.string(),
    entries: z
      .array(
        folderEntrySchema.extend({
          path: z.string().describe('Relative to the workspace'),
          size: z.int().nullable().describe('Bytes; of files only'),
        }),
      )
      .describe('Folders first, then by name'),
    truncated: z.boolean().describe('There are more: ask again with `offset`'),
  })
  .meta({ id: 'Folder' });

const contentSchema = { content: { 'application/octet-stream': { schema: z.string().meta({ format: 'binary' }) } } };
const contentPath = '/api/teams/:id/files/content';

/** Files of the workspace. */
export async function fileRoutes(app: FastifyInstance, { crew }: { crew: Crew }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const onRequest = [app.findTeam, requireRunning];
  const common = { tags: ['files'], params: teamParams };

  function filesOf(request: FastifyRequest, given: string | undefined): AgentFiles {
    const { id } = teamOf(request);
    const agents = crew.db.agents.listByTeam(id);
    const agent = given === undefined ? leaderOf(agents) : findAgent(agents, given);
    if (!agent) throw new CrewError('AGENT_NOT_FOUND', 'agent not found');
    if (agent.container_id === '') throw new CrewError('AGENT_NOT_RUNNING', 'agent is not running');
    return agentFiles(crew.buses.get(id), agent.slug);
  }

  routes.get(
    '/api/teams/:id/files',
    {
      onRequest,
      schema: {
        ...common,
        summary: 'What is in a folder of the workspace',
        querystring: listQuery,
        response: { 200: folderSchema, ...errors(400, 404, 409) },
      },
    },
    async (request) => {
      const { path, agent, offset } = request.query;
      const { entries, truncated } = await filesOf(request, agent).list(path, offset);
      const folder = posix.join('/', path, '/');
      const shown = entries.map((entry) => ({
        ...entry,
        path: folder.slice(1) + entry.name,
        size: entry.size ?? null,
      }));
      return { path: folder.slice(1, -1), entries: shown, truncated };
    },
  );

  routes.get(
    contentPath,
    {
      onRequest,
      exposeHeadRoute: false,
      schema: {
        ...common,
        summary: 'Download a file of the workspace, or with `Range` a part of it',
        querystring: contentQuery,
        response: { 200: contentSchema, 206: contentSchema, 304: z.undefined(), ...errors(400, 404, 409, 416) },
      },
    },
    async (request, reply) => {
      const { path, agent } = request.query;
      return send(request, reply, filesOf(request, agent), path);
    },
  );

  // Of its own: the one that is made from GET would read the whole file and drop it.
  routes.head(
    contentPath,
    { onRequest, schema: { ...common, hide: true, querystring: contentQuery } },
    async (request, reply) => {
      const { path, agent } = request.query;
      const file = await filesOf(request, agent).read(path, 0, 0);
      describe(reply, path, file);
      return reply.header('content-length', file.size).send();
    },
  );
}

async function send(
  request: FastifyRequest,
  reply: FastifyReply,
  files: AgentFiles,
  path: string,
): Promise<FastifyReply> {
  const file = await files.read(path, 0, 0);
  const etag = describe(reply, path, file);
  const { range, 'if-range': ifRange, 'if-none-match': ifNoneMatch } = request.headers;
  if (ifNoneMatch === etag) return reply.code(304).send();
  const wanted = wantedPart({ range, ifRange: ifRange?.toString() }, { size: file.size, etag });
  if (!wanted) throw unsatisfiable(reply, file.size);
  const { offset, length, partial } = wanted;
  if (partial) reply.code(206).header('content-range', `bytes ${offset}-${offset + length - 1}/${file.size}`);
  const content = fileContent(files, { path, identity: file.identity }, offset, length);
  return reply.header('content-length', length).send(Readable.from(content, { objectMode: false }));
}

async function requireRunning(request: FastifyRequest): Promise<void> {
  if (teamOf(request).status !== 'running') throw new CrewError('TEAM_NOT_RUNNING', 'team is not running');
}

/**
 * The headers of a file, whatever part of it is sent. What an agent has written must not run in the origin of the server.
 * @returns its ETag
 */
function describe(reply: FastifyReply, path: string, { version, modified }: FilePart): string {
  const name = posix.basename(path);
  const etag = `"${version}"`;
  reply.headers({
    'content-type': mediaTypeOf(name),
    'content-disposition': contentDisposition(name),
    'content-security-policy': "sandbox; default-src 'none'",
    'cache-control': 'private, no-cache',
    'accept-ranges': 'bytes',
    'last-modified': new Date(modified).toUTCString(),
    etag,
  });
  return etag;
}

function unsatisfiable(reply: FastifyReply, size: number): CrewError {
  reply.header('content-range', `bytes */${size}`).type('application/json; charset=utf-8');
  reply.removeHeader('content-disposition');
  return new CrewError('RANGE_NOT_SATISFIABLE', `the file has ${size} bytes, none of them in the range`);
}
