import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Account } from '../auth/accounts.ts';
import type { Auth } from '../auth/auth.ts';
import { hashOf } from '../auth/secrets.ts';
import type { Crew } from '../crew/crew.ts';
import { signInOnly } from '../plugins/identity.ts';
import {
  briefUserJson,
  emailSchema,
  newPasswordSchema,
  orgNameSchema,
  passwordSchema,
  registeredSchema,
  signedInSchema,
  titleSchema,
  tokenSchema,
  tokensSchema,
} from '../schemas/account.ts';
import { errors } from '../schemas/common.ts';

const configSchema = z.object({
  provider: z.enum(['noop', 'local']),
  registration_enabled: z.boolean(),
  multi_tenant: z.boolean(),
});

/**
 * Requests a minute, by address; those to sign in also by account. From one address few are for the same account; those
 * from all addresses are more, lest a stranger who goes on guessing keeps its owner out.
 */
const most = {
  signIns: 30,
  signInsHere: 10,
  signInsOfAccount: 100,
  registrations: 20,
  refreshes: 120,
  inviteLookups: 60,
};

/** Bytes of a body that anybody may send. */
const bodyLimit = 64 * 1024;

/** Signing in and out, and becoming somebody who can. */
export async function authRoutes(app: FastifyInstance, { crew, auth }: { crew: Crew; auth: Auth }): Promise<void> {
  const { accounts, sessions } = auth;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ['auth'];
  const { log } = crew;

  const limited = (max: number) => [signInOnly(auth), app.limit({ max })];
  const account = ({ body }: FastifyRequest) => (body as z.infer<typeof loginSchema>).email;
  const ofAccount = [
    app.limit({ max: most.signInsHere, key: (request) => `${request.ip} ${account(request)}` }),
    app.limit({ max: most.signInsOfAccount, key: account }),
  ];

  async function registered({ user, organization: { id, name, slug } }: Account) {
    log.info({ user_id: user.id, org_id: id }, 'registered');
    return { ...(await sessions.start(user)), user: briefUserJson(user), organization: { id, name, slug } };
  }

  routes.get(
    '/api/auth/config',
    { schema: { tags, security: [], summary: 'How to sign in', response: { 200: configSchema } } },
    async () => ({
      provider: auth.provider,
      registration_enabled: auth.provider === 'local' && accounts.registrationOpen(),
      multi_tenant: auth.multiTenant,
    }),
  );

  const loginSchema = z.object({ email: emailSchema, password: passwordSchema }).meta({ id: 'Login' });
  routes.post(
    '/api/auth/login',
    {
      bodyLimit,
      onRequest: limited(most.signIns),
      preHandler: ofAccount,
      schema: {
        tags,
        security: [],
        summary: 'Sign in',
        body: loginSchema,
        response: { 200: signedInSchema, ...errors(400, 401, 403, 429) },
      },
    },
    async ({ body, ip }) => {
      const user = await accounts.checkPassword(body.email, body.password).catch((error: unknown) => {
        log.info({ ip }, 'sign-in refused');
        throw error;
      });
      log.info({ user_id: user.id, ip }, 'signed in');
      const mustChange = user.must_change_password && { must_change_password: true as const };
      return { ...(await sessions.start(user)), user: briefUserJson(user), ...mustChange };
    },
  );

  routes.post(
    '/api/auth/register',
    {
      bodyLimit,
      onRequest: limited(most.registrations),
      schema: {
        tags,
        security: [],
        summary: 'Found an organisation, as its owner',
        description:
          'Open to everybody with `MULTI_TENANT`, else until somebody has registered. The first organisation gets everything that was made on this server without sign-in.',
        body: z
          .object({ org_name: orgNameSchema, name: titleSchema, email: emailSchema, password: newPasswordSchema })
          .meta({ id: 'Registration' }),
        response: { 201: registeredSchema, ...errors(400, 403, 429) },
      },
    },
    async ({ body }, reply) => reply.code(201).send(await registered(await accounts.register(body))),
  );

  routes.post(
    '/api/auth/register/invite',
    {
      bodyLimit,
      onRequest: limited(most.registrations),
      schema: {
        tags,
        security: [],
        summary: 'Join the organisation that sent an invite',
        body: z
          .object({ token: tokenSchema, name: titleSchema, email: emailSchema, password: newPasswordSchema })
          .meta({ id: 'InvitedRegistration' }),
        response: { 201: registeredSchema, ...errors(400, 403, 429) },
      },
    },
    async ({ body }, reply) => reply.code(201).send(await registered(await accounts.registerInvited(body))),
  );

  routes.get(
    '/api/auth/invite/:token',
    {
      onRequest: app.limit({ max: most.inviteLookups }),
      schema: {
        tags,
        security: [],
        summary: 'Who sent an invite, and to whom',
        params: z.object({ token: z.string() }),
        response: { 200: z.object({ org_name: z.string(), email: z.string() }), ...errors(404, 429) },
      },
    },
    async ({ params }) => {
      const invite = crew.db.invites.openByHash(hashOf(params.token), new Date());
      const organization = invite && crew.db.organizations.get(invite.org_id);
      if (!organization) throw new CrewError('INVITE_NOT_FOUND', 'invite not found');
      return { org_name: organization.name, email: invite.email ?? '' };
    },
  );

  routes.post(
    '/api/auth/refresh',
    {
      bodyLimit,
      onRequest: limited(most.refreshes),
      schema: {
        tags,
        security: [],
        summary: 'Get a new pair of tokens',
        description:
          'A refresh token is good once. One that comes again ends its session: 401 for both holders. Several that come at the same time, before the first was answered, get the same pair.',
        body: z.object({ refresh_token: tokenSchema }).meta({ id: 'Refresh' }),
        response: { 200: tokensSchema, ...errors(400, 401, 403, 429) },
      },
    },
    async ({ body }) => sessions.refresh(body.refresh_token),
  );

  routes.post(
    '/api/auth/logout',
    {
      schema: {
        tags,
        summary: 'End the session, its refresh token included',
        response: { 200: z.object({ message: z.string() }), ...errors(401) },
      },
    },
    async ({ identity: { user_id, credential } }) => {
      if (credential?.type === 'session') {
        sessions.end(credential.session_id);
        log.info({ user_id }, 'signed out');
      }
      return { message: 'signed out' };
    },
  );
}
