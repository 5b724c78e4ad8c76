import { createRequire } from 'node:module';
import { join } from 'node:path';
import { openDatabase } from '@agentcrew/models';
import { temporaryFolder } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { storedSchedule } from '../support/runs.ts';
import { startTestApp } from '../support/test-app.ts';

/** A connection of its own to the same file. */
interface Connection {
  prepare(text: string): { run(...values: unknown[]): void };
  close(): void;
}

test('the post-actions of a trigger are shown with their action, and without its secrets', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'test.db');
  await using app = await startTestApp({ db: openDatabase({ path, encryptionKey: 'only for a test' }) });
  const { id: teamId } = await app.client.createTeam();
  const { id } = storedSchedule(app.db, teamId);
  const Sqlite = createRequire(import.meta.resolve('@agentcrew/models'))('better-sqlite3');
  const connection: Connection = new Sqlite(path);
  connection
    .prepare(
      `insert into post_actions (id, name, url, auth_type, auth_config, created_at, updated_at)
       values ('a', 'tell', 'http://example.org', 'bearer', '{"token":"a secret"}', 0, 0)`,
    )
    .run();
  connection
    .prepare(
      `insert into post_action_bindings (id, post_action_id, trigger_type, trigger_id, trigger_on, created_at)
       values ('b', 'a', 'schedule', ?, 'failure', 0)`,
    )
    .run(id);
  connection.close();
  const { status, body } = await app.client.get(`/api/schedules/${id}/post-actions`);
  expect({ status, body }).toMatchObject({
    status: 200,
    body: [
      {
        id: 'b',
        post_action_id: 'a',
        trigger_type: 'schedule',
        trigger_id: id,
        trigger_name: 'nightly',
        trigger_on: 'failure',
        enabled: true,
        post_action: { id: 'a', name: 'tell', method: 'POST', headers: null, auth_config: { token: '********' } },
      },
    ],
  });
});
