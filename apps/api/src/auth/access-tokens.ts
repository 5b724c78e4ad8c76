import { createSecretKey } from 'node:crypto';
import type { UserRow } from '@agentcrew/models';
import { jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { Credential } from './identity.ts';

const algorithm = 'HS256';

const claimsSchema = z.object({
  sub: z.string(),
  type: z.literal('access'),
  epoch: z.int(),
  sid: z.string(),
});

/** The JWTs that go with every request of somebody who is signed in. */
export interface AccessTokens {
  readonly ttlSeconds: number;
  sign(user: UserRow, sessionId: string): Promise<string>;
  /** What the token says, if it is one of ours and has not expired; whether that still holds, the database knows. */
  verify(token: string): Promise<Credential | undefined>;
}

export function createAccessTokens({ secret, ttlMs }: { secret: string; ttlMs: number }): AccessTokens {
  const key = createSecretKey(Buffer.from(secret, 'utf8'));
  const ttlSeconds = Math.max(1, Math.floor(ttlMs / 1000));
  return {
    ttlSeconds,
    sign({ id, org_id, email, name, role, token_epoch }, sessionId) {
      return new SignJWT({ org_id, email, name, role, type: 'access', epoch: token_epoch, sid: sessionId })
        .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
        .setSubject(id)
        .setIssuedAt()
        .setExpirationTime(`${ttlSeconds}s`)
        .sign(key);
    },
    async verify(token) {
      const verified = await jwtVerify(token, key, { algorithms: [algorithm], requiredClaims: ['exp'] }).catch(
        () => undefined,
      );
      const claims = claimsSchema.safeParse(verified?.payload);
      if (!claims.success) return undefined;
      const { sub, sid, epoch } = claims.data;
      return { type: 'session', user_id: sub, session_id: sid, epoch };
    },
  };
}
