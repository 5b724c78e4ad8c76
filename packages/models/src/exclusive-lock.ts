import Sqlite from 'better-sqlite3';

/**
 * Takes the lock on a file until it is disposed or the process ends, however it ends: the kernel holds it, so nobody
 * has to find out whether the owner of a lock is still alive.
 * @returns undefined when another process has it. Throws when the file cannot be opened.
 */
export function takeExclusiveLock(path: string): Disposable | undefined {
  const file = new Sqlite(path, { timeout: 0 });
  try {
    file.pragma('journal_mode = DELETE');
    file.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    file.close();
    if (error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')) return undefined;
    throw error;
  }
  return { [Symbol.dispose]: () => void file.close() };
}
