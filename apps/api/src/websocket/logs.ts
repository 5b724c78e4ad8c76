import type { AgentRow } from '@agentcrew/models';
import { messageOf } from '@agentcrew/protocol';
import type { WebSocket } from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Crew } from '../crew/crew.ts';
import { ownTeam } from '../plugins/team-lookup.ts';
import { agentParams, teamParams } from '../schemas/common.ts';
import { refuse } from './activity.ts';

const tailQuery = z.object({
  tail: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a whole number')
    .transform(Number)
    .prefault('100'),
});

/** `/ws/teams/:id/logs` (all agents) and `/ws/teams/:id/logs/:agentId`: a JSON object for each line of log. */
export async function logSockets(app: FastifyInstance, { crew }: { crew: Crew }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const base = { websocket: true as const, onRequest: app.admitSocket };

  routes.get(
    '/ws/teams/:id/logs',
    { ...base, schema: { hide: true, params: teamParams, querystring: tailQuery } },
    (socket, request) => {
      const team = ownTeam(crew.db, request, request.params.id);
      if (!team) return refuse(socket, 'team not found');
      stream(crew, socket, crew.db.agents.listByTeam(team.id), request.query.tail);
    },
  );

  routes.get(
    '/ws/teams/:id/logs/:agentId',
    { ...base, schema: { hide: true, params: agentParams, querystring: tailQuery } },
    (socket, request) => {
      if (!ownTeam(crew.db, request, request.params.id)) return refuse(socket, 'team not found');
      const agent = crew.db.agents.get(request.params.id, request.params.agentId);
      if (!agent) return refuse(socket, 'agent not found');
      stream(crew, socket, [agent], request.query.tail);
    },
  );
}

function stream(crew: Crew, socket: WebSocket, agents: AgentRow[], tail: number): void {
  const running = agents.filter(({ container_id }) => container_id !== '');
  if (running.length === 0) {
    refuse(socket, 'no running agents');
    return;
  }
  const stop = new AbortController();
  socket.on('close', () => stop.abort());
  const pumps = running.map((agent) => pump(crew, socket, agent, tail, stop.signal));
  Promise.all(pumps).then(
    () => socket.close(1000, 'the logs have ended'),
    (error: unknown) => {
      if (stop.signal.aborted) return;
      crew.log.warn({ error: messageOf(error) }, 'log stream failed');
      refuse(socket, 'failed to stream logs');
    },
  );
}

/** Waits for each frame to leave before it reads the next line, so a slow client costs no memory. */
async function pump(crew: Crew, socket: WebSocket, agent: AgentRow, tail: number, signal: AbortSignal): Promise<void> {
  for await (const line of crew.runtime.streamLogs(agent.container_id, { follow: true, tail, signal })) {
    await sent(socket, JSON.stringify({ agent: agent.slug, ...line }));
  }
}

function sent(socket: WebSocket, frame: string): Promise<void> {
  return new Promise((resolve, reject) => socket.send(frame, (error) => (error ? reject(error) : resolve())));
}
