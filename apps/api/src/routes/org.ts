import type { OrganizationRow } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Crew } from '../crew/crew.ts';
import { adminOnly } from '../plugins/identity.ts';
import { organizationJson, organizationSchema, titleSchema } from '../schemas/account.ts';
import { errors } from '../schemas/common.ts';

/** The organisation of whoever asks. */
export async function orgRoutes(app: FastifyInstance, { crew }: { crew: Crew }): Promise<void> {
  const { organizations } = crew.db;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ['organization'];

  function found(organization: OrganizationRow | undefined): z.infer<typeof organizationSchema> {
    if (!organization) throw new CrewError('NOT_FOUND', 'organization not found');
    return organizationJson(organization);
  }

  routes.get(
    '/api/org',
    { schema: { tags, summary: 'Show your organisation', response: { 200: organizationSchema, ...errors(401, 404) } } },
    async ({ identity }) => found(organizations.get(identity.org_id)),
  );

  routes.put(
    '/api/org',
    {
      onRequest: adminOnly,
      schema: {
        tags,
        summary: 'Rename your organisation; its slug stays',
        body: z.object({ name: titleSchema }).meta({ id: 'OrganizationName' }),
        response: { 200: organizationSchema, ...errors(400, 401, 403, 404) },
      },
    },
    async ({ identity, body }) => found(organizations.update(identity.org_id, body)),
  );
}
