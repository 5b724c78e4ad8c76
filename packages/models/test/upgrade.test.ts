import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@agentcrew/testkit';
import Sqlite from 'better-sqlite3';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { describe, expect, test } from 'vitest';
import { openDatabase } from '../src/index.ts';
import { org } from './fixtures.ts';

const migrations = readMigrationFiles({ migrationsFolder: fileURLToPath(new URL('../drizzle', import.meta.url)) });

/** Rows as the first version wrote them; every later one still had them. */
const rows = `
  insert into teams (id, org_id, name, slug, runtime, nats_token, mcp_servers, created_at, updated_at) values
    ('t', '${org}', 'crew', 'crew', 'docker', 'a token',
      '[{"name":"files","transport":"stdio","command":"serve","env":{"KEY":"plain as it was"}}]', 1, 2);
  insert into agents (id, org_id, team_id, name, slug, role, instructions_md, created_at, updated_at) values
    ('a', '${org}', 't', 'lead', 'lead', 'leader', 'Be brief.', 1, 2);
  insert into messages (id, team_id, message_id, from_agent, to_agent, message_type, payload, created_at) values
    ('m', 't', 'mid', 'user', 'leader', 'user_message', '{"content":"hello"}', 1);
  insert into settings (org_id, key, value, is_secret, updated_at) values ('${org}', 'REGION', 'north', 0, 1);
`;

/** A file as the version left it that had so many migrations. */
function olderDatabase(path: string, count: number): void {
  const sqlite = new Sqlite(path);
  sqlite.exec('create table __drizzle_migrations (id integer primary key, hash text not null, created_at numeric)');
  const record = sqlite.prepare('insert into __drizzle_migrations (hash, created_at) values (?, ?)');
  for (const { sql, hash, folderMillis } of migrations.slice(0, count)) {
    for (const statement of sql) sqlite.exec(statement);
    record.run(hash, folderMillis);
  }
  sqlite.exec(rows);
  sqlite.close();
}

describe.each(migrations.slice(0, -1).map((_, index) => index + 1))('a database with %i migrations', (count) => {
  test('is brought up to date with all that is in it', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'crew.db');
    olderDatabase(path, count);
    for (const time of ['first', 'second']) {
      using db = openDatabase({ path, encryptionKey: 'a key' });
      expect(db.teams.get('t'), time).toMatchObject({ name: 'crew', nats_token: 'a token', status: 'stopped' });
      expect(db.teams.get('t')?.mcp_servers).toMatchObject([{ name: 'files', env: { KEY: 'plain as it was' } }]);
      expect(db.agents.listByTeam('t')).toMatchObject([
        { name: 'lead', instructions_md: 'Be brief.', mcp_servers: null },
      ]);
      expect(db.messages.get('mid')).toMatchObject({ payload: { content: 'hello' } });
      expect(db.settings.list(org)).toMatchObject([{ key: 'REGION', value: 'north' }]);
    }
  });

  test('takes what the newest version knows', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'crew.db');
    olderDatabase(path, count);
    using db = openDatabase({ path, encryptionKey: 'a key' });
    db.organizations.ensureDefault();
    db.users.ensureDefault();
    const schedule = { org_id: org, team_id: 't', name: 's', prompt: 'p', cron_expression: '0 0 * * *' };
    const { id } = db.schedules.insert(schedule);
    expect(db.schedules.get(id)).toMatchObject({ status: 'idle', missed_policy: 'skip' });
    expect(db.teams.delete('t')).toBe(true);
    expect(db.schedules.get(id)).toBeUndefined();
  });
});
