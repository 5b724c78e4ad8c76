import { randomBytes } from 'node:crypto';
import type { UserRow } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Auth } from '../auth/auth.ts';
import type { Crew } from '../crew/crew.ts';
import { adminOnly, signInOnly } from '../plugins/identity.ts';
import { roleSchema } from '../schemas/account.ts';
import { errors, timestampSchema } from '../schemas/common.ts';

const memberFields = {
  id: z.string(),
  email: z.string(),
  name: z.string(),
  role: roleSchema,
  is_owner: z.boolean(),
};
const memberParams = z.object({ id: z.string() });

function memberJson({ id, email, name, role, is_owner }: UserRow) {
  return { id, email, name, role, is_owner };
}

/** The members of an organisation. What is changed holds from the member's next request on. */
export async function memberRoutes(app: FastifyInstance, { crew, auth }: { crew: Crew; auth: Auth }): Promise<void> {
  const { db, log } = crew;
  const { users } = db;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ['organization'];

  function memberOf({ identity, params }: FastifyRequest): UserRow {
    const member = users.member(identity.org_id, (params as z.infer<typeof memberParams>).id);
    if (!member) throw new CrewError('MEMBER_NOT_FOUND', 'member not found');
    return member;
  }

  function refuseSelf({ identity }: FastifyRequest, member: UserRow, what: string): void {
    if (member.id === identity.user_id) throw new CrewError('INVALID_REQUEST', `you cannot ${what} yourself`);
  }

  function refuseOwner(member: UserRow, what: string): void {
    if (member.is_owner) throw new CrewError('FORBIDDEN', `the owner of the organization cannot be ${what}`);
  }

  const one = {
    onRequest: [adminOnly, async (request: FastifyRequest) => void memberOf(request)],
    schema: { tags, params: memberParams },
  };

  routes.get(
    '/api/org/members',
    {
      schema: {
        tags,
        summary: 'List the members of your organisation',
        response: {
          200: z.array(z.object({ ...memberFields, created_at: timestampSchema }).meta({ id: 'Member' })),
          ...errors(401),
        },
      },
    },
    async ({ identity }) =>
      users.list(identity.org_id).map((row) => ({ ...memberJson(row), created_at: row.created_at.toISOString() })),
  );

  routes.put(
    '/api/org/members/:id/role',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Make a member an admin, or an admin a member',
        body: z.object({ role: roleSchema }).meta({ id: 'MemberRole' }),
        response: { 200: z.object(memberFields).meta({ id: 'MemberWithRole' }), ...errors(400, 401, 403, 404) },
      },
    },
    async (request) => {
      const { role } = request.body;
      const updated = db.transaction(() => {
        const member = memberOf(request);
        if (role !== 'admin') refuseOwner(member, 'made a member');
        if (role !== 'admin' && users.countOtherAdmins(member.org_id, member.id) === 0)
          throw new CrewError('FORBIDDEN', 'an organization needs at least one admin');
        return users.update(member.id, { role });
      });
      if (!updated) throw new CrewError('MEMBER_NOT_FOUND', 'member not found');
      log.info({ user_id: updated.id, role, by: request.identity.user_id }, 'role changed');
      return memberJson(updated);
    },
  );

  routes.post(
    '/api/org/members/:id/reset-password',
    {
      ...one,
      onRequest: [signInOnly(auth), ...one.onRequest],
      schema: {
        ...one.schema,
        summary: 'Give a member a temporary password',
        description: 'It ends all sessions of the member, who has to choose another password after signing in with it.',
        response: { 200: z.object({ temporary_password: z.string() }), ...errors(400, 401, 403, 404, 429) },
      },
    },
    async (request) => {
      refuseSelf(request, memberOf(request), 'reset the password of');
      refuseOwner(memberOf(request), 'given another password');
      const temporary_password = randomBytes(16).toString('base64url');
      const password_hash = await auth.passwords.hash(temporary_password);
      db.transaction(() => {
        const { id, token_epoch } = memberOf(request);
        users.update(id, { password_hash, must_change_password: true, token_epoch: token_epoch + 1 });
        db.refreshTokens.revokeOfUser(id);
      });
      log.info({ user_id: request.params.id, by: request.identity.user_id }, 'password reset');
      return { temporary_password };
    },
  );

  routes.delete(
    '/api/org/members/:id',
    {
      ...one,
      schema: {
        ...one.schema,
        summary: 'Remove a member, with their sessions and API keys',
        response: { 204: z.undefined(), ...errors(400, 401, 403, 404) },
      },
    },
    async (request, reply) => {
      const member = memberOf(request);
      refuseSelf(request, member, 'remove');
      refuseOwner(member, 'removed');
      users.delete(member.id);
      log.info({ user_id: member.id, by: request.identity.user_id }, 'member removed');
      return reply.code(204).send();
    },
  );
}
