import type Sqlite from 'better-sqlite3';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';

/** What the queries of every table work with. */
export interface Connection {
  readonly db: BetterSQLite3Database;
  readonly sqlite: Sqlite.Database;
}

/**
 * Runs `work` as one transaction; inside another one, as a savepoint of it. The write lock is taken at the start:
 * a transaction that reads first and writes later cannot wait for the lock and would fail at once.
 */
export function inTransaction<T>(connection: Connection, work: () => T): T {
  return connection.sqlite.transaction(work).immediate();
}
