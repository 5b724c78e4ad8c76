import type { AgentRow, Database, TeamRow } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyRequest {
    /** The team of `:id`; set by `teamOf`. */
    team: TeamRow | undefined;
    agent: AgentRow | undefined;
  }
  interface FastifyInstance {
    /** Hook: 404 for an unknown team, before the body is read. */
    findTeam: (request: FastifyRequest) => Promise<void>;
    /** Hook: the same for the agent of `:agentId`. */
    findAgent: (request: FastifyRequest) => Promise<void>;
  }
}

/** Looks up what a path names. It happens before the body is read, so that 404 comes before 400. */
export const teamLookup = fp(async (app: FastifyInstance, { db }: { db: Database }) => {
  app.decorateRequest('team', undefined);
  app.decorateRequest('agent', undefined);
  app.decorate('findTeam', async (request) => {
    const { id } = request.params as { id: string };
    request.team = ownTeam(db, request, id);
    if (!request.team) throw new CrewError('TEAM_NOT_FOUND', 'team not found');
  });
  app.decorate('findAgent', async (request) => {
    const { id, agentId } = request.params as { id: string; agentId: string };
    request.agent = db.agents.get(id, agentId);
    if (!request.agent) throw new CrewError('AGENT_NOT_FOUND', 'agent not found');
  });
});

/** The team of that id, if it belongs to the organisation that asks. */
export function ownTeam(db: Database, { identity }: FastifyRequest, id: string): TeamRow | undefined {
  const team = db.teams.get(id);
  return team?.org_id === identity.org_id ? team : undefined;
}

/** The team that `findTeam` found. */
export function teamOf(request: FastifyRequest): TeamRow {
  if (!request.team) throw new Error('the route lacks the findTeam hook');
  return request.team;
}

/** The agent that `findAgent` found. */
export function agentOf(request: FastifyRequest): AgentRow {
  if (!request.agent) throw new Error('the route lacks the findAgent hook');
  return request.agent;
}
