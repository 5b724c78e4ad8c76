import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { CrewError } from '@agentcrew/protocol';
import PQueue from 'p-queue';

/** What OWASP recommends for 32 MiB: a fraction of a second of one core. */
const cost = { N: 32_768, r: 8, p: 3 };
const saltBytes = 16;
const hashBytes = 32;
/** Each takes 32 MiB and one of the four threads that Node also reads files with. */
const concurrency = 2;
/** More than this would wait for longer than a client does. */
const maxWaiting = 64;

/** Hashes of passwords as they are stored: `scrypt$N$r$p$salt$hash`. */
export interface Passwords {
  hash(password: string): Promise<string>;
  /** Takes as long without a hash, so that nobody learns from the time which users there are. */
  verify(stored: string | null | undefined, password: string): Promise<boolean>;
}

/** Few are computed at a time; when too many wait already, it throws CrewError RATE_LIMITED. */
export function createPasswords(): Passwords {
  const queue = new PQueue({ concurrency });
  const nobody = format(cost, randomBytes(saltBytes), randomBytes(hashBytes));

  function derive(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
    if (queue.size >= maxWaiting) throw new CrewError('RATE_LIMITED', 'too many sign-ins at once, try again later');
    return queue.add(() => run(password, salt, options));
  }

  return {
    async hash(password) {
      const salt = randomBytes(saltBytes);
      return format(cost, salt, await derive(password, salt, cost));
    },
    async verify(stored, password) {
      const { options, salt, hash } = parse(stored ?? nobody);
      return timingSafeEqual(await derive(password, salt, options), hash);
    },
  };
}

function run(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  const maxmem = 256 * (options.N ?? 0) * (options.r ?? 0);
  // The same letters may be typed as different code points.
  const text = password.normalize('NFKC');
  return new Promise((resolve, reject) => {
    scrypt(text, salt, hashBytes, { ...options, maxmem }, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

function format({ N, r, p }: typeof cost, salt: Buffer, hash: Buffer): string {
  return ['scrypt', N, r, p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

function parse(stored: string): { options: ScryptOptions; salt: Buffer; hash: Buffer } {
  const [, N, r, p, salt = '', hash = ''] = stored.split('$');
  return {
    options: { N: Number(N), r: Number(r), p: Number(p) },
    salt: Buffer.from(salt, 'base64url'),
    hash: Buffer.from(hash, 'base64url'),
  };
}
