import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { flag, now, time, uuid } from './columns.ts';
import type { Role } from './values.ts';

export const organizations = sqliteTable('organizations', {
  id: uuid(),
  name: text().notNull(),
  slug: text().notNull().unique(),
  created_at: now(),
  updated_at: now(),
});

const ofOrg = () =>
  text()
    .notNull()
    .references(() => organizations.id, { onDelete: 'cascade' });

export const users = sqliteTable(
  'users',
  {
    id: uuid(),
    org_id: ofOrg(),
    /** Trimmed and in lower case. */
    email: text().notNull().unique(),
    name: text().notNull(),
    /** `scrypt` with its parameters and salt; null: nobody can sign in as this user. */
    password_hash: text(),
    role: text().$type<Role>().notNull().default('member'),
    is_owner: flag().default(false),
    must_change_password: flag().default(false),
    /** Part of every access token: a token of another epoch is void. */
    token_epoch: integer().notNull().default(0),
    created_at: now(),
    updated_at: now(),
  },
  (table) => [index('users_org').on(table.org_id)],
);

const ofUser = () =>
  text()
    .notNull()
    .references(() => users.id, { onDelete: 'cascade' });

/** Each is good for one refresh; one that comes a second time ends its whole family. */
export const refreshTokens = sqliteTable(
  'refresh_tokens',
  {
    id: uuid(),
    /** All that descend from one login. */
    family_id: text().notNull(),
    user_id: ofUser(),
    token_hash: text().notNull().unique(),
    expires_at: time().notNull(),
    used_at: time(),
    revoked_at: time(),
    created_at: now(),
  },
  (table) => [index('refresh_tokens_family').on(table.family_id), index('refresh_tokens_user').on(table.user_id)],
);

export const apiKeys = sqliteTable(
  'api_keys',
  {
    id: uuid(),
    org_id: ofOrg(),
    /** Who made it; it ends with them. */
    user_id: ofUser(),
    name: text().notNull(),
    role: text().$type<Role>().notNull(),
    /** The beginning of the key, to tell keys apart. */
    prefix: text().notNull(),
    key_hash: text().notNull().unique(),
    expires_at: time(),
    last_used_at: time(),
    revoked_at: time(),
    created_at: now(),
  },
  (table) => [index('api_keys_org').on(table.org_id)],
);

export const invites = sqliteTable(
  'invites',
  {
    id: uuid(),
    org_id: ofOrg(),
    /** Whom it is for; null: whoever has the token. */
    email: text(),
    token_hash: text().notNull().unique(),
    /** Sealed: it is shown to admins again. */
    token: text().notNull(),
    expires_at: time().notNull(),
    used_at: time(),
    created_at: now(),
  },
  (table) => [index('invites_org').on(table.org_id)],
);
