import { join } from 'node:path';
import { temporaryFolder } from '@agentcrew/testkit';
import Sqlite from 'better-sqlite3';
import { expect, test } from 'vitest';
import { openDatabase } from '../src/index.ts';
import { message, team } from './fixtures.ts';

test('a locked database is unavailable after a while, and works again when the lock is gone', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'crew.db');
  using db = openDatabase({ path, encryptionKey: 'test key' });
  const { id } = db.teams.insert(team('alpha'));
  const other = new Sqlite(path);
  other.exec('begin exclusive');
  const locked = expect.objectContaining({
    code: 'STORAGE_UNAVAILABLE',
    message: expect.stringContaining(`database ${path}: another process keeps it locked`),
  });
  expect(() => db.messages.insert(message(id, 'one'))).toThrow(locked);
  expect(() => db.transaction(() => undefined)).toThrow(locked);
  other.exec('rollback');
  other.close();
  expect(db.messages.insert(message(id, 'one'))).toBeDefined();
});
