import type { ApiKeyRow, Database, UserRow } from '@agentcrew/models';
import type { AccessTokens } from './access-tokens.ts';
import type { Credential, Identity } from './identity.ts';
import { hashOf } from './secrets.ts';

export const apiKeyPrefix = 'ack_';

/** The use of a key is noted at most this often: not every request has to write. */
const noteUseEveryMs = 60_000;

/** Knows people by what they send. Everything but the signature of a token is read from the database, each time. */
export interface Recogniser {
  /** Whose access token or API key that is; `undefined`: nobody's, or not any more. */
  recognise(token: string): Promise<Identity | undefined>;
  /** The same for a credential that was recognised before. */
  again(credential: Credential): Identity | undefined;
}

export function createRecogniser(db: Database, accessTokens: AccessTokens): Recogniser {
  function ofSession(credential: Credential & { type: 'session' }): Identity | undefined {
    const user = db.users.get(credential.user_id);
    if (!user || user.token_epoch !== credential.epoch) return undefined;
    if (!db.refreshTokens.isAlive(credential.session_id, user.id, new Date())) return undefined;
    return { ...person(user), credential };
  }

  function ofKey(credential: Credential & { type: 'key' }): Identity | undefined {
    const key = db.apiKeys.get(credential.key_id);
    const user = key && db.users.get(key.user_id);
    const now = new Date();
    if (!user || key.revoked_at || (key.expires_at && key.expires_at <= now)) return undefined;
    noteUse(key, now);
    const { role, is_owner, ...rest } = person(user);
    const isAdmin = role === 'admin' && key.role === 'admin';
    return { ...rest, role: isAdmin ? 'admin' : 'member', is_owner: isAdmin && is_owner, credential };
  }

  function noteUse({ id, last_used_at }: ApiKeyRow, now: Date): void {
    if (now.getTime() - (last_used_at?.getTime() ?? 0) < noteUseEveryMs) return;
    try {
      db.apiKeys.markUsed(id, now);
    } catch {
      // While nothing can be written, what is only read still works.
    }
  }

  function again(credential: Credential): Identity | undefined {
    return credential.type === 'session' ? ofSession(credential) : ofKey(credential);
  }

  return {
    again,
    async recognise(token) {
      if (token.startsWith(apiKeyPrefix)) {
        const key = db.apiKeys.byHash(hashOf(token));
        return key && again({ type: 'key', key_id: key.id });
      }
      const credential = await accessTokens.verify(token);
      return credential && again(credential);
    },
  };
}

function person({ id, org_id, role, is_owner, must_change_password }: UserRow): Identity {
  return { user_id: id, org_id, role, is_owner, must_change_password };
}
