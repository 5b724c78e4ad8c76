import { integer, real, text } from 'drizzle-orm/sqlite-core';

/** The organisation that owns everything as long as there is only one. */
export const defaultOrgId = '00000000-0000-0000-0000-000000000000';

/** The one user of a server without sign-in. */
export const defaultUserId = '00000000-0000-0000-0000-000000000001';

// Column names are the names of the wire, so that a row is ready for JSON. Every call makes new column builders.

export const uuid = () =>
  text()
    .primaryKey()
    .$defaultFn(() => crypto.randomUUID());
export const orgId = () => text().notNull().default(defaultOrgId);
export const words = () => text().notNull().default('');
/** Milliseconds since 1970 in the file, `Date` in rows. */
export const time = () => integer({ mode: 'timestamp_ms' });
/** The time of insertion. */
export const now = () =>
  time()
    .notNull()
    .$defaultFn(() => new Date());
export const flag = () => integer({ mode: 'boolean' }).notNull();
export const json = () => text({ mode: 'json' });

/** Summed over all turns; `turns` counts them. */
export const usageColumns = () => ({
  input_tokens: integer().notNull().default(0),
  output_tokens: integer().notNull().default(0),
  cache_creation_input_tokens: integer().notNull().default(0),
  cache_read_input_tokens: integer().notNull().default(0),
  cost_usd: real().notNull().default(0),
  turns: integer().notNull().default(0),
});
