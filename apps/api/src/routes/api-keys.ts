import type { ApiKeyRow } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Auth } from '../auth/auth.ts';
import type { Identity } from '../auth/identity.ts';
import { apiKeyPrefix } from '../auth/recognise.ts';
import { hashOf, newSecret } from '../auth/secrets.ts';
import type { Crew } from '../crew/crew.ts';
import { signInOnly } from '../plugins/identity.ts';
import { roleSchema, titleSchema } from '../schemas/account.ts';
import { errors, timestampSchema } from '../schemas/common.ts';

const shownCharacters = 12;
/** More than anybody keeps track of. */
const mostKeys = 100;

const keySchema = z
  .object({
    id: z.string(),
    user_id: z.string().describe('Who made it: it ends with them, and can never do more than they can'),
    name: z.string(),
    role: roleSchema,
    prefix: z.string().describe('The beginning of the key, to tell keys apart'),
    expires_at: timestampSchema.nullable(),
    last_used_at: timestampSchema.nullable(),
    created_at: timestampSchema,
  })
  .meta({ id: 'ApiKey' });

const newKeySchema = z
  .object({
    name: titleSchema,
    role: roleSchema.default('member').describe('At most your own'),
    expires_at: z.iso
      .datetime({ offset: true })
      .refine((time) => Date.parse(time) > Date.now(), 'must not be in the past')
      .nullable()
      .optional(),
  })
  .meta({ id: 'NewApiKey' });

function keyJson(row: ApiKeyRow): z.infer<typeof keySchema> {
  return {
    id: row.id,
    user_id: row.user_id,
    name: row.name,
    role: row.role,
    prefix: row.prefix,
    expires_at: row.expires_at?.toISOString() ?? null,
    last_used_at: row.last_used_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
  };
}

/** Keys for scripts, which go where an access token goes. Admins see and revoke those of all members. */
export async function apiKeyRoutes(app: FastifyInstance, { crew, auth }: { crew: Crew; auth: Auth }): Promise<void> {
  const { apiKeys } = crew.db;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ['auth'];

  /** To a key none that can do more than it: who has found one must not be able to void the others. */
  function visibleTo({ org_id, user_id, role, credential }: Identity): ApiKeyRow[] {
    const keys = apiKeys.list(org_id, role === 'admin' ? undefined : user_id);
    return credential?.type === 'key' && role !== 'admin' ? keys.filter((key) => key.role !== 'admin') : keys;
  }

  routes.post(
    '/api/auth/keys',
    {
      onRequest: signInOnly(auth),
      schema: {
        tags,
        summary: 'Make an API key; only this answer shows it',
        body: newKeySchema,
        response: {
          201: keySchema.extend({ key: z.string() }).meta({ id: 'MadeApiKey' }),
          ...errors(400, 401, 403),
        },
      },
    },
    async ({ identity: { user_id, org_id, role, credential }, body }, reply) => {
      if (credential?.type === 'key') throw new CrewError('FORBIDDEN', 'a key cannot make keys: sign in');
      if (body.role === 'admin' && role !== 'admin')
        throw new CrewError('FORBIDDEN', 'the role of a key can be at most your own');
      if (apiKeys.list(org_id, user_id).length >= mostKeys)
        throw new CrewError('INVALID_REQUEST', `there may be at most ${mostKeys} keys: revoke some`);
      const key = newSecret(apiKeyPrefix);
      const row = apiKeys.insert({
        org_id,
        user_id,
        name: body.name,
        role: body.role,
        prefix: key.slice(0, shownCharacters),
        key_hash: hashOf(key),
        expires_at: body.expires_at ? new Date(body.expires_at) : null,
      });
      crew.log.info({ user_id, key_id: row.id }, 'API key made');
      return reply.code(201).send({ ...keyJson(row), key });
    },
  );

  routes.get(
    '/api/auth/keys',
    { schema: { tags, summary: 'List API keys', response: { 200: z.array(keySchema), ...errors(401) } } },
    async ({ identity }) => visibleTo(identity).map(keyJson),
  );

  routes.delete(
    '/api/auth/keys/:id',
    {
      schema: {
        tags,
        summary: 'Revoke an API key, at once',
        params: z.object({ id: z.string() }),
        response: { 204: z.undefined(), ...errors(401, 404) },
      },
    },
    async ({ identity, params }, reply) => {
      const key = visibleTo(identity).find(({ id }) => id === params.id);
      if (!key) throw new CrewError('API_KEY_NOT_FOUND', 'API key not found');
      apiKeys.revoke(key.id);
      crew.log.info({ user_id: identity.user_id, key_id: key.id }, 'API key revoked');
      return reply.code(204).send();
    },
  );
}
