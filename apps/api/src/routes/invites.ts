import type { InviteRow } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Auth } from '../auth/auth.ts';
import { hashOf, newSecret } from '../auth/secrets.ts';
import type { Crew } from '../crew/crew.ts';
import { adminOnly, signInOnly } from '../plugins/identity.ts';
import { emailSchema } from '../schemas/account.ts';
import { errors, timestampSchema } from '../schemas/common.ts';

const validMs = 7 * 86_400_000;
const inviteParams = z.object({ id: z.string() });

const inviteSchema = z
  .object({
    id: z.string(),
    org_id: z.string(),
    email: z.string().describe('Whom it is for; empty: whoever has the token'),
    token: z.string().optional().describe('For `POST /api/auth/register/invite`; absent once it is used'),
    expires_at: timestampSchema,
    used_at: timestampSchema.optional(),
    created_at: timestampSchema,
  })
  .meta({ id: 'Invite' });

function inviteJson(row: InviteRow): z.infer<typeof inviteSchema> {
  return {
    id: row.id,
    org_id: row.org_id,
    email: row.email ?? '',
    ...(row.used_at ? { used_at: row.used_at.toISOString() } : { token: row.token }),
    expires_at: row.expires_at.toISOString(),
    created_at: row.created_at.toISOString(),
  };
}

/** Who is to become a member. */
export async function inviteRoutes(app: FastifyInstance, { crew, auth }: { crew: Crew; auth: Auth }): Promise<void> {
  const { db } = crew;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ['organization'];

  function refuseKnown(orgId: string, email: string): void {
    const user = db.users.byEmail(email);
    if (user?.org_id === orgId)
      throw new CrewError('INVITE_REFUSED', `${email} is already a member of this organization`);
    if (user) throw new CrewError('INVITE_REFUSED', `${email} is already registered in another organization`);
    if (db.invites.hasOpen(orgId, email, new Date()))
      throw new CrewError('INVITE_REFUSED', `an active invite already exists for ${email}`);
  }

  routes.get(
    '/api/org/invites',
    {
      onRequest: adminOnly,
      schema: {
        tags,
        summary: 'List invites, newest first',
        response: { 200: z.array(inviteSchema), ...errors(401, 403) },
      },
    },
    async ({ identity }) => db.invites.list(identity.org_id).map(inviteJson),
  );

  routes.post(
    '/api/org/invites',
    {
      onRequest: [signInOnly(auth), adminOnly],
      // Without an address there is nothing to say.
      preValidation: async (request) => {
        request.body ??= {};
      },
      schema: {
        tags,
        summary: 'Invite somebody; good for seven days',
        body: z.object({ email: emailSchema.or(z.literal('')).optional() }).meta({ id: 'NewInvite' }),
        response: { 201: inviteSchema, ...errors(400, 401, 403, 409) },
      },
    },
    async ({ identity, body }, reply) => {
      const email = body.email || null;
      if (email !== null) refuseKnown(identity.org_id, email);
      const token = newSecret();
      const expires_at = new Date(Date.now() + validMs);
      const values = { org_id: identity.org_id, email, token, token_hash: hashOf(token), expires_at };
      return reply.code(201).send(inviteJson(db.invites.insert(values)));
    },
  );

  routes.delete(
    '/api/org/invites/:id',
    {
      onRequest: adminOnly,
      schema: {
        tags,
        summary: 'Withdraw an invite',
        params: inviteParams,
        response: { 204: z.undefined(), ...errors(401, 403, 404) },
      },
    },
    async ({ identity, params }, reply) => {
      if (!db.invites.delete(identity.org_id, params.id)) throw new CrewError('INVITE_NOT_FOUND', 'invite not found');
      return reply.code(204).send();
    },
  );
}
