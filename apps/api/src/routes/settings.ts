import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { isCredential } from '../crew/credentials.ts';
import type { Crew } from '../crew/crew.ts';
import { errors } from '../schemas/common.ts';
import { mask, newSettingSchema, settingJson, settingSchema } from '../schemas/setting.ts';

/** Credentials and environment of the agents; effective with the next deploy. */
export async function settingRoutes(app: FastifyInstance, { crew }: { crew: Crew }): Promise<void> {
  const { settings } = crew.db;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ['settings'];

  routes.get(
    '/api/settings',
    { schema: { tags, summary: 'List settings; secrets are masked', response: { 200: z.array(settingSchema) } } },
    async ({ identity }) => settings.list(identity.org_id).map(settingJson),
  );

  routes.put(
    '/api/settings',
    {
      schema: {
        tags,
        summary: 'Create or change a setting',
        description:
          'The credentials of Claude are always secret. A secret saved again empty or as its mask keeps its value; delete it to clear it.',
        body: newSettingSchema,
        response: { 200: settingSchema, ...errors(400) },
      },
    },
    async (request) => {
      const { key, value } = request.body;
      const is_secret = (request.body.is_secret ?? false) || isCredential(key);
      const present = settings.list(request.identity.org_id).find((setting) => setting.key === key);
      if (!is_secret && present?.is_secret && value === mask) {
        throw new CrewError('INVALID_REQUEST', 'value is the mask of a secret: write it anew to make it no secret');
      }
      const untouched = is_secret && present?.is_secret && (value === '' || value === mask);
      return settingJson(
        settings.upsert(request.identity.org_id, { key, value: untouched ? present.value : value, is_secret }),
      );
    },
  );

  routes.delete(
    '/api/settings/:key',
    {
      schema: {
        tags,
        summary: 'Delete a setting',
        params: z.object({ key: z.string() }),
        response: { 204: z.undefined(), ...errors(404) },
      },
    },
    async (request, reply) => {
      if (!settings.delete(request.identity.org_id, request.params.key))
        throw new CrewError('SETTING_NOT_FOUND', 'setting not found');
      return reply.code(204).send();
    },
  );
}
