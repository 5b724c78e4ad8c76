import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Auth } from '../auth/auth.ts';
import { ticketTtl } from '../auth/tickets.ts';
import type { Crew } from '../crew/crew.ts';
import {
  meSchema,
  newPasswordSchema,
  organizationJson,
  organizationSchema,
  passwordSchema,
  titleSchema,
  userJson,
  userSchema,
} from '../schemas/account.ts';
import { errors } from '../schemas/common.ts';

/** Guesses at the present password a minute. */
const mostPasswordChanges = 10;

/** The signed-in user. */
export async function meRoutes(app: FastifyInstance, { crew, auth }: { crew: Crew; auth: Auth }): Promise<void> {
  const { db, log } = crew;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ['auth'];

  function userOf({ identity }: FastifyRequest) {
    const user = db.users.get(identity.user_id);
    if (!user) throw new CrewError('MEMBER_NOT_FOUND', 'user not found');
    return user;
  }

  routes.get(
    '/api/auth/me',
    {
      schema: {
        tags,
        summary: 'The signed-in user',
        response: { 200: z.object({ user: meSchema, organization: organizationSchema }), ...errors(401, 404) },
      },
    },
    async (request) => {
      const user = userOf(request);
      const organization = db.organizations.get(user.org_id);
      if (!organization) throw new CrewError('NOT_FOUND', 'organization not found');
      return {
        user: { ...userJson(user), must_change_password: user.must_change_password },
        organization: organizationJson(organization),
      };
    },
  );

  routes.put(
    '/api/auth/me',
    {
      schema: {
        tags,
        summary: 'Change your name',
        body: z.object({ name: titleSchema }).meta({ id: 'MyName' }),
        response: { 200: userSchema, ...errors(400, 401, 404) },
      },
    },
    async (request) => {
      const updated = db.users.update(userOf(request).id, { name: request.body.name });
      if (!updated) throw new CrewError('MEMBER_NOT_FOUND', 'user not found');
      return userJson(updated);
    },
  );

  routes.put(
    '/api/auth/me/password',
    {
      preHandler: app.limit({ max: mostPasswordChanges, key: ({ identity }) => identity.user_id }),
      schema: {
        tags,
        summary: 'Change your password',
        description:
          'Ends all your other sessions, and all access tokens: the answer has a new one for this session, whose refresh token stays good.',
        body: z
          .object({ current_password: passwordSchema, new_password: newPasswordSchema })
          .meta({ id: 'PasswordChange' }),
        response: {
          200: z.object({
            message: z.string(),
            access_token: z.string().optional(),
            expires_in: z.int().optional(),
          }),
          ...errors(400, 401, 404, 429),
        },
      },
    },
    async (request) => {
      const { id, password_hash } = userOf(request);
      const { credential } = request.identity;
      const { current_password, new_password } = request.body;
      if (!(await auth.passwords.verify(password_hash, current_password)))
        throw new CrewError('INVALID_CREDENTIALS', 'current password is incorrect');
      const next = await auth.passwords.hash(new_password);
      const sessionId = credential?.type === 'session' ? credential.session_id : undefined;
      const updated = db.transaction(() => {
        const user = userOf(request);
        // Somebody else has set another one meanwhile.
        if (user.password_hash !== password_hash)
          throw new CrewError('INVALID_CREDENTIALS', 'current password is incorrect');
        db.refreshTokens.revokeOfUser(id, sessionId);
        const changes = { password_hash: next, must_change_password: false, token_epoch: user.token_epoch + 1 };
        return db.users.update(id, changes);
      });
      log.info({ user_id: id }, 'password changed');
      const message = 'password changed';
      if (!updated || sessionId === undefined) return { message };
      const access_token = await auth.accessTokens.sign(updated, sessionId);
      return { message, access_token, expires_in: auth.accessTokens.ttlSeconds };
    },
  );

  routes.post(
    '/api/auth/ws-ticket',
    {
      schema: {
        tags,
        summary: 'Get a ticket that opens one WebSocket',
        description: 'Append it to the address of the WebSocket as `?ticket=…`, within 30 seconds.',
        response: {
          200: z.object({ ticket: z.string(), expires_in: z.int().describe('Seconds') }),
          ...errors(401),
        },
      },
    },
    async ({ identity }) => ({ ticket: auth.tickets.issue(identity.credential), expires_in: ticketTtl }),
  );
}
