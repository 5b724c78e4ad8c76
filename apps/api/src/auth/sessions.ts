import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Database, UserRow } from '@agentcrew/models';
import { CrewError } from '@agentcrew/protocol';
import type { Logger } from 'pino';
import type { AccessTokens } from './access-tokens.ts';
import { hashOf, newSecret } from './secrets.ts';

/**
 * How long the answer to a refresh is held back, in milliseconds. The requests of a page, or of several tabs, whose
 * access token has expired refresh at the same time, with the same token: those that come before the first is answered
 * are one refresh, and get one pair.
 */
const togetherMs = 300;
/**
 * How long the answer stays good, in milliseconds, when several have asked for it: a browser sends six requests to a
 * server at once, and those that wait behind them have the same token.
 */
const followersMs = 2_000;

export interface TokenPair {
  access_token: string;
  refresh_token: string;
  /** Seconds that the access token is good for. */
  expires_in: number;
}

/** A session is what one sign-in begins: a family of refresh tokens, of which only the newest is good, and only once. */
export interface Sessions {
  start(user: UserRow): Promise<TokenPair>;
  /**
   * A new pair for the refresh token. One that comes again after it was answered was stolen, from the client or by it:
   * the session ends, its access tokens included.
   * @throws CrewError UNAUTHENTICATED
   */
  refresh(token: string): Promise<TokenPair>;
  end(sessionId: string): void;
}

export interface SessionsDeps {
  db: Database;
  accessTokens: AccessTokens;
  refreshTtlMs: number;
  log: Logger;
}

export function createSessions({ db, accessTokens, refreshTtlMs, log }: SessionsDeps): Sessions {
  function issue(userId: string, sessionId: string): string {
    const token = newSecret('acr_');
    const expires_at = new Date(Date.now() + refreshTtlMs);
    db.refreshTokens.insert({ family_id: sessionId, user_id: userId, token_hash: hashOf(token), expires_at });
    return token;
  }

  async function pair(user: UserRow, sessionId: string, refresh_token: string): Promise<TokenPair> {
    const access_token = await accessTokens.sign(user, sessionId);
    return { access_token, refresh_token, expires_in: accessTokens.ttlSeconds };
  }

  async function rotate(hash: string): Promise<TokenPair> {
    const now = new Date();
    const row = db.refreshTokens.byHash(hash);
    const user = row && db.users.get(row.user_id);
    if (!row || !user || row.revoked_at || row.expires_at <= now) throw expired();
    const next = db.transaction(() =>
      db.refreshTokens.markUsed(row.id, now) ? issue(user.id, row.family_id) : undefined,
    );
    if (next !== undefined) return pair(user, row.family_id, next);
    db.refreshTokens.revokeFamily(row.family_id);
    log.warn({ user_id: user.id, session_id: row.family_id }, 'refresh token used twice: its session is ended');
    throw expired();
  }

  /** By the hash of the token. */
  const underWay = new Map<string, { answer: Promise<TokenPair>; isShared: boolean }>();

  async function refreshOnce(hash: string): Promise<TokenPair> {
    try {
      const [tokens] = await Promise.all([rotate(hash), delay(togetherMs)]);
      if (!underWay.get(hash)?.isShared) underWay.delete(hash);
      else setTimeout(() => underWay.delete(hash), followersMs).unref();
      return tokens;
    } catch (error) {
      underWay.delete(hash);
      throw error;
    }
  }

  return {
    start(user) {
      const sessionId = randomUUID();
      db.refreshTokens.deleteExpired(new Date());
      return pair(user, sessionId, issue(user.id, sessionId));
    },

    refresh(token) {
      const hash = hashOf(token);
      const known = underWay.get(hash);
      if (known) {
        known.isShared = true;
        return known.answer;
      }
      const answer = refreshOnce(hash);
      underWay.set(hash, { answer, isShared: false });
      return answer;
    },

    end(sessionId) {
      db.refreshTokens.revokeFamily(sessionId);
    },
  };
}

function expired(): CrewError {
  return new CrewError('UNAUTHENTICATED', 'session expired, sign in again');
}
