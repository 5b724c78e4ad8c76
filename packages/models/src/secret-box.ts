import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const prefix = 'enc::';
const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/** Encrypts what must not be readable in the database file. */
export interface SecretBox {
  /** `enc::` and the base64 of nonce, ciphertext and tag. Two calls never give the same text. */
  seal(plain: string): string;
  /** The plain text; `undefined` when the text was changed or sealed with another key. Unsealed text comes back as it is. */
  open(stored: string): string | undefined;
}

/** AES-256-GCM under the SHA-256 of a passphrase of any length. */
export function createSecretBox(passphrase: string): SecretBox {
  const key = createHash('sha256').update(passphrase).digest();
  return {
    seal(plain) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, key, nonce);
      const body = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return prefix + body.toString('base64');
    },
    open(stored) {
      if (!stored.startsWith(prefix)) return stored;
      const body = Buffer.from(stored.slice(prefix.length), 'base64');
      if (body.length < nonceBytes + tagBytes) return undefined;
      return decrypt(key, body);
    },
  };
}

function decrypt(key: Buffer, body: Buffer): string | undefined {
  const decipher = createDecipheriv(algorithm, key, body.subarray(0, nonceBytes), { authTagLength: tagBytes });
  decipher.setAuthTag(body.subarray(-tagBytes));
  try {
    const plain = Buffer.concat([decipher.update(body.subarray(nonceBytes, -tagBytes)), decipher.final()]);
    return plain.toString('utf8');
  } catch {
    return undefined;
  }
}
