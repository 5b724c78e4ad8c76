import Sqlite from 'better-sqlite3';
import { expect, test } from 'vitest';
import { attempt, toCrewError } from '../src/errors.ts';

test('a full disk is unavailable, and works again when there is room', () => {
  using sqlite = disposable(new Sqlite(':memory:'));
  sqlite.exec('create table t (x)');
  sqlite.pragma('max_page_count = 3');
  const insert = () => attempt('crew.db', () => sqlite.exec('insert into t values (zeroblob(100000))'));
  expect(insert).toThrow(
    expect.objectContaining({
      code: 'STORAGE_UNAVAILABLE',
      message: 'database crew.db: the disk is full; free some space (database or disk is full)',
    }),
  );
  sqlite.pragma('max_page_count = 1000');
  insert();
});

test.each([
  'FULL',
  'BUSY',
  'BUSY_SNAPSHOT',
  'LOCKED',
  'IOERR',
  'IOERR_SHORT_READ',
  'READONLY',
  'READONLY_DBMOVED',
  'CANTOPEN',
  'CORRUPT',
  'NOTADB',
])('%s is unavailable', (code) => {
  const error = toCrewError(new Sqlite.SqliteError('why', `SQLITE_${code}`), 'crew.db');
  expect(error).toMatchObject({
    code: 'STORAGE_UNAVAILABLE',
    message: expect.stringMatching(/^database crew\.db: .+/),
  });
});

test('a mistake of ours is internal, and what is not of SQLite stays as it is', () => {
  const mistake = toCrewError(new Sqlite.SqliteError('no such column', 'SQLITE_ERROR'), 'crew.db');
  expect(mistake).toMatchObject({ code: 'INTERNAL', message: 'database: no such column' });
  const other = new RangeError('other');
  expect(toCrewError(other, 'crew.db')).toBe(other);
});

function disposable(sqlite: Sqlite.Database): Sqlite.Database & Disposable {
  return Object.assign(sqlite, { [Symbol.dispose]: () => void sqlite.close() });
}
