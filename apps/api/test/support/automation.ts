import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Database, defaultOrgId, openDatabase } from '@agentcrew/models';
import { temporaryFolder } from '@agentcrew/testkit';
import { storedTeam } from './rows.ts';

/** A database in a file of its own. */
export interface FileDatabase extends AsyncDisposable {
  db: Database;
  /** Opens the same file once more, as the next start of a server does. */
  reopen(): Database;
  addSchedule(schedule?: { name?: string; org_id?: string }): string;
  addWebhook(webhook?: { name?: string; org_id?: string }): string;
  run(sql: string): void;
}

export async function fileDatabase(): Promise<FileDatabase> {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'crew.db');
  const opened: Database[] = [];
  const reopen = () => {
    const db = openDatabase({ path, encryptionKey: 'only for tests' });
    opened.push(db);
    return db;
  };
  const db = reopen();
  // A second connection, for rows that are none of the tested part's business.
  const raw = new DatabaseSync(path);

  function add(table: 'schedules' | 'webhooks', { name, org_id }: { name: string; org_id: string }): string {
    const { team } = storedTeam(db);
    const id = randomUUID();
    const special =
      table === 'schedules'
        ? { prompt: 'go', cron_expression: '* * * * *' }
        : { prompt_template: 'go', token_hash: id, secret_prefix: 'whk_' };
    const row = { id, org_id, team_id: team.id, name, created_at: 0, updated_at: 0, ...special };
    const columns = Object.keys(row);
    raw
      .prepare(`insert into ${table} (${columns.join()}) values (${columns.map(() => '?').join()})`)
      .run(...Object.values(row));
    return id;
  }

  return {
    db,
    reopen,
    addSchedule: ({ name = 'nightly', org_id = defaultOrgId } = {}) => add('schedules', { name, org_id }),
    addWebhook: ({ name = 'deploy hook', org_id = defaultOrgId } = {}) => add('webhooks', { name, org_id }),
    run: (sql) => raw.exec(sql),
    async [Symbol.asyncDispose]() {
      raw.close();
      for (const one of opened) one[Symbol.dispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
