import { createHash, randomBytes } from 'node:crypto';

/** A new secret of 256 bits for a client; the prefix tells people and scanners what it is. */
export function newSecret(prefix = ''): string {
  return prefix + randomBytes(32).toString('base64url');
}

/** What is stored of such a secret. It cannot be guessed, so that a plain SHA-256 is enough. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
