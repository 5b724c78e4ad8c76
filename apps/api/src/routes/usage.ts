import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Crew } from '../crew/crew.ts';
import { errors } from '../schemas/common.ts';
import { sumUp, usageQuery, usageSchema } from '../schemas/usage.ts';

const dayMs = 86_400_000;
const defaultDays = 30;
const mostDays = 366;
/** So many rows are more than anybody reads; the query asks for less. */
const mostRows = 20_000;

/** What was spent, by day, team and agent. */
export async function usageRoutes(app: FastifyInstance, { crew }: { crew: Crew }): Promise<void> {
  app.withTypeProvider<ZodTypeProvider>().get(
    '/api/usage',
    {
      schema: {
        tags: ['usage'],
        summary: 'Show what was spent by each agent on each day',
        description: `Days are those of UTC; without \`from\` the last ${defaultDays} of them. Deleted teams and agents are included.`,
        querystring: usageQuery,
        response: { 200: usageSchema, ...errors(400) },
      },
    },
    async ({ query, identity }) => {
      const to = query.to ?? dayOf(Date.now());
      const from = query.from ?? dayOf(Date.parse(to) - (defaultDays - 1) * dayMs);
      const days = (Date.parse(to) - Date.parse(from)) / dayMs + 1;
      if (days < 1) throw new CrewError('INVALID_REQUEST', 'from must not be after to');
      if (days > mostDays) throw new CrewError('INVALID_REQUEST', `from and to must be at most ${mostDays} days apart`);
      const rows = crew.db.usageDays.list({
        orgId: identity.org_id,
        from,
        to,
        teamId: query.team_id,
        limit: mostRows + 1,
      });
      if (rows.length > mostRows)
        throw new CrewError('INVALID_REQUEST', 'too much to show: ask for fewer days or one team');
      return { from, to, ...sumUp(rows) };
    },
  );
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
