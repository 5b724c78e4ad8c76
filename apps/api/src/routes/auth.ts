import { defaultOrgId } from '@agentcrew/models';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { timestampSchema } from '../schemas/common.ts';

const configSchema = z.object({ provider: z.string(), registration_enabled: z.boolean(), multi_tenant: z.boolean() });

const meSchema = z.object({
  user: z.object({
    id: z.string(),
    org_id: z.string(),
    email: z.string(),
    name: z.string(),
    role: z.string(),
    is_owner: z.boolean(),
    must_change_password: z.boolean(),
    created_at: timestampSchema,
    updated_at: timestampSchema,
  }),
  organization: z.object({
    id: z.string(),
    name: z.string(),
    slug: z.string(),
    created_at: timestampSchema,
    updated_at: timestampSchema,
  }),
});

/** Who is asking. The provider `noop` knows one user, who owns everything; no header is needed, whatever is sent. */
export async function authRoutes(app: FastifyInstance): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ['auth'];
  const born = { created_at: new Date(0).toISOString(), updated_at: new Date(0).toISOString() };

  routes.get(
    '/api/auth/config',
    { schema: { tags, summary: 'How to sign in', response: { 200: configSchema } } },
    async () => ({ provider: 'noop', registration_enabled: false, multi_tenant: false }),
  );

  routes.get(
    '/api/auth/me',
    { schema: { tags, summary: 'The signed-in user', response: { 200: meSchema } } },
    async () => ({
      user: {
        id: '00000000-0000-0000-0000-000000000001',
        org_id: defaultOrgId,
        email: 'admin@agentcrew.local',
        name: 'Admin',
        role: 'admin',
        is_owner: true,
        must_change_password: false,
        ...born,
      },
      organization: { id: defaultOrgId, name: 'Default', slug: 'default', ...born },
    }),
  );
}
