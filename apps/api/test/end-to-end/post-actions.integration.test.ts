import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { freePort, temporaryFolder, waitFor } from '@agentcrew/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sink, startSink } from '../support/sink.ts';
import { Client } from './client.ts';
import { type Server, startServer } from './server.ts';

const count = 40;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let sink: Sink;
let server: Server;

beforeEach(async () => {
  folder = await temporaryFolder();
  sink = await startSink();
});
afterEach(async () => {
  await server.end('SIGTERM');
  await sink[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function start(): Promise<Client> {
  const env = { POST_ACTION_ALLOW_PRIVATE: '127.0.0.1', POST_ACTION_MAX_CONCURRENT: '4' };
  server = await startServer({ dataDir: folder.path, port: await freePort(), env });
  return new Client(server.url);
}

interface Run {
  id: string;
  status: string;
}

test('a server that is killed again and again makes every request, and none again that it knows to be done', async () => {
  const client = await start();
  const team = await client.createTeam('alpha');
  const action = await client.call<{ id: string }>('POST', '/api/post-actions', {
    name: 'notify',
    url: `${sink.url}/{{run_id}}`,
    timeout_seconds: 300,
    auth_type: 'bearer',
    auth_config: { token: 'a-secret-token' },
  });
  const path = `/api/post-actions/${action.id}`;
  const runs = async (from: Client) => (await from.call<{ data: Run[] }>('GET', `${path}/runs?per_page=100`)).data;
  await server.end('SIGTERM');
  fillQueue(action.id, team.id);

  const doneAtKill = new Set<string>();
  for (let kills = 0; kills < 3; kills += 1) {
    const before = sink.received.length;
    // Every third request is not answered before the kill: two of them take all the places of an action.
    const hangs = ({ url }: { url: string }) => Number(url.slice(1)) % 3 === 0;
    sink.answer = (response, received) => void (hangs(received) || response.end('ok'));
    const again = await start();
    await waitFor('two that hang', () => sink.received.slice(before).filter(hangs).length === 2);
    for (const { id, status } of await runs(again)) if (status === 'success') doneAtKill.add(id);
    await server.end('SIGKILL');
  }
  const beforeLast = sink.received.length;
  sink.answer = (response) => void response.end('ok');
  const last = await start();
  await waitFor('all to be done', async () => (await runs(last)).every(({ status }) => status === 'success'));

  expect(await runs(last)).toHaveLength(count);
  const keys = new Map(sink.received.map(({ url, headers }) => [url, headers['idempotency-key']]));
  expect(keys.size).toBe(count);
  const sentAgain = sink.received
    .slice(beforeLast)
    .filter(({ headers }) => doneAtKill.has(String(headers['idempotency-key'])));
  expect(sentAgain).toEqual([]);
  expect(sink.received.every(({ headers }) => headers.authorization === 'Bearer a-secret-token')).toBe(true);
  expect(server.output()).not.toContain('a-secret-token');
});

/** What runs of a schedule would leave behind. */
function fillQueue(actionId: string, teamId: string): void {
  const db = new DatabaseSync(join(folder.path, 'agentcrew.db'));
  db.exec(`insert into schedules (id, team_id, name, prompt, cron_expression, created_at, updated_at)
    values ('s', '${teamId}', 'nightly', 'go', '* * * * *', 0, 0)`);
  db.exec(`insert into post_action_bindings (id, post_action_id, trigger_type, trigger_id, enabled, created_at)
    values ('b', '${actionId}', 'schedule', 's', 1, 0)`);
  const insert = db.prepare(`insert into post_action_runs
    (id, post_action_id, binding_id, source_type, source_run_id, placeholders, triggered_at, next_attempt_at)
    values (?, ?, 'b', 'schedule', ?, ?, ?, ?)`);
  for (let n = 0; n < count; n += 1) {
    insert.run(randomUUID(), actionId, `${n}`, JSON.stringify({ run_id: `${n}` }), Date.now(), n);
  }
  db.close();
}
