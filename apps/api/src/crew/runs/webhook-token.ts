import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** What a caller needs to trigger a webhook. Only its hash is stored. */
export function newToken(): { token: string; token_hash: string; secret_prefix: string } {
  const token = `whk_${randomBytes(32).toString('hex')}`;
  return { token, token_hash: tokenHash(token), secret_prefix: `${token.slice(0, 12)}...` };
}

/** SHA-256: the token is random, so that nothing slower is needed, and what is compared tells nothing about it. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Whether a signature is the one of the body, in GitHub's form: `sha256=` and the hex of its HMAC-SHA256. */
export function isSignedBy(secret: string, body: Uint8Array, signature: unknown): boolean {
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
  const given = Buffer.from(typeof signature === 'string' ? signature : '');
  // A secret that cannot be decrypted any more is empty: nothing is signed by it.
  return secret !== '' && given.length === expected.length && timingSafeEqual(given, expected);
}
