import { CrewError, messageOf } from '@agentcrew/protocol';
import Sqlite from 'better-sqlite3';

/** What is wrong and what to do, by SQLite's primary result code; the file's path goes before it. */
const unavailable: Record<string, string> = {
  FULL: 'the disk is full; free some space',
  BUSY: 'another process keeps it locked; end that process',
  LOCKED: 'another process keeps it locked; end that process',
  IOERR: 'reading or writing it failed; check the disk',
  READONLY: 'it cannot be written; check the permissions of the file and of its folder',
  CANTOPEN: 'it cannot be opened; check that the folder exists and can be written',
  PERM: 'it cannot be accessed; check the permissions of the file and of its folder',
  CORRUPT: 'it is damaged; restore it from a backup',
  NOTADB: 'it is not a SQLite database; choose another path',
};

/**
 * Turns what SQLite throws into a CrewError; `path` is the database's. Everything else comes back as it is: it is the
 * caller's own error (within a transaction), or a bug.
 */
export function toCrewError(error: unknown, path: string): unknown {
  if (!(error instanceof Sqlite.SqliteError)) return error;
  if (error.code === 'SQLITE_CONSTRAINT_FOREIGNKEY') {
    return new CrewError('TEAM_NOT_FOUND', 'team not found', { cause: error });
  }
  const advice = unavailable[error.code.split('_')[1] ?? ''];
  if (advice) return storageUnavailable(path, advice, error);
  return new CrewError('INTERNAL', `database: ${error.message}`, { cause: error });
}

/** The database at `path` cannot be used for the reason, and by the remedy, that `advice` tells. */
export function storageUnavailable(path: string, advice: string, cause: unknown): CrewError {
  return new CrewError('STORAGE_UNAVAILABLE', `database ${path}: ${advice} (${messageOf(cause)})`, { cause });
}

/** Whether a statement failed because of the unique index that SQLite's message names by `part`: a column, or an index of expressions. */
export function violates(error: unknown, part: string): boolean {
  const unique = error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_CONSTRAINT');
  return unique && error.message.includes('UNIQUE') && error.message.includes(part);
}

/** The same queries, with SQLite's errors turned into CrewErrors. */
export function guarded<T extends object>(queries: T, path: string): T {
  const wrap = (query: unknown) => {
    if (typeof query !== 'function') return query;
    return (...values: unknown[]) => attempt(path, () => Reflect.apply(query, queries, values));
  };
  return Object.fromEntries(Object.entries(queries).map(([name, query]) => [name, wrap(query)])) as T;
}

/** Runs `work`, with SQLite's errors turned into CrewErrors. */
export function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw toCrewError(error, path);
  }
}
