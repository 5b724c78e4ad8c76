import type { Database } from '@agentcrew/models';
import type { Logger } from 'pino';
import { type AccessTokens, createAccessTokens } from './access-tokens.ts';
import { type Accounts, createAccounts } from './accounts.ts';
import { createPasswords, type Passwords } from './passwords.ts';
import { createRecogniser, type Recogniser } from './recognise.ts';
import { newSecret } from './secrets.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { createTickets, type Tickets } from './tickets.ts';

export interface AuthOptions {
  /** `noop`: nobody is asked who they are. */
  provider: 'noop' | 'local';
  /** Whether everybody may found an organisation; without sign-in nobody can. */
  multiTenant: boolean;
  /** At least 32 characters. */
  jwtSecret: string;
  accessTtlMs: number;
  refreshTtlMs: number;
}

/** Everything about who asks that is not HTTP. */
export interface Auth {
  readonly provider: AuthOptions['provider'];
  readonly multiTenant: boolean;
  readonly accessTokens: AccessTokens;
  readonly accounts: Accounts;
  readonly passwords: Passwords;
  readonly recogniser: Recogniser;
  readonly sessions: Sessions;
  readonly tickets: Tickets;
}

/** A server without sign-in; nothing that it could sign is good for any other. */
export function noSignIn(): AuthOptions {
  return { provider: 'noop', multiTenant: false, jwtSecret: newSecret(), accessTtlMs: 1000, refreshTtlMs: 1000 };
}

/** Puts the parts together, and makes sure of the organisation that everything belongs to at first. */
export function createAuth(db: Database, log: Logger, options: AuthOptions): Auth {
  const { provider } = options;
  const multiTenant = provider === 'local' && options.multiTenant;
  db.organizations.ensureDefault();
  if (provider === 'noop') db.users.ensureDefault();
  const passwords = createPasswords();
  const accessTokens = createAccessTokens({ secret: options.jwtSecret, ttlMs: options.accessTtlMs });
  return {
    provider,
    multiTenant,
    accessTokens,
    passwords,
    accounts: createAccounts(db, passwords, multiTenant),
    recogniser: createRecogniser(db, accessTokens),
    sessions: createSessions({ db, accessTokens, refreshTtlMs: options.refreshTtlMs, log }),
    tickets: createTickets(),
  };
}
