import { fileURLToPath } from 'node:url';
import type Sqlite from 'better-sqlite3';
import { readMigrationFiles } from 'drizzle-orm/migrator';

const migrationsFolder = fileURLToPath(new URL('../drizzle', import.meta.url));

/**
 * Applies the migrations that the file does not have yet, in the bookkeeping of drizzle. Drizzle's own migrator looks
 * first and locks later, so that two servers started at once on a new file would both create the tables. Must run with
 * foreign keys off: SQLite cannot switch them within a transaction, and a migration may rebuild a table.
 */
export function migrate(sqlite: Sqlite.Database): void {
  sqlite.pragma('foreign_keys = OFF');
  const apply = sqlite.transaction(() => {
    sqlite.exec(
      'create table if not exists __drizzle_migrations (id integer primary key, hash text not null, created_at numeric)',
    );
    const last = sqlite.prepare('select max(created_at) from __drizzle_migrations').pluck().get();
    const record = sqlite.prepare('insert into __drizzle_migrations (hash, created_at) values (?, ?)');
    for (const migration of readMigrationFiles({ migrationsFolder })) {
      if (Number(last) >= migration.folderMillis) continue;
      for (const statement of migration.sql) sqlite.exec(statement);
      record.run(migration.hash, migration.folderMillis);
    }
  });
  apply.immediate();
}
