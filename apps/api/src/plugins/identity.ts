import { defaultOrgId, type Role } from '@agentcrew/models';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

/** Who asks, and for which organisation. Rows of another one do not exist for them. */
export interface Identity {
  user_id: string;
  org_id: string;
  role: Role;
  is_owner: boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    identity: Identity;
  }
}

/** The one user of a server without sign-in. */
export const everybody: Identity = {
  user_id: '00000000-0000-0000-0000-000000000001',
  org_id: defaultOrgId,
  role: 'admin',
  is_owner: true,
};

/** Says of every request who asks. */
export const identity = fp(async (app: FastifyInstance) => {
  app.decorateRequest('identity', { getter: () => everybody });
});
