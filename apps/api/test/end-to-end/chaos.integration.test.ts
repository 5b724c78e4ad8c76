import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, startScriptedModel, temporaryFolder, waitFor } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { Client, type Message } from './client.ts';
import { processesWith } from './processes.ts';
import { type Server, startServer } from './server.ts';
import { watch } from './watcher.ts';

const messages = Number(process.env.CHAOS_MESSAGES ?? 40);
const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 100_000);
/** Longest pause between two kills. */
const pauseMs = Number(process.env.CHAOS_PAUSE ?? 2_500);
const deadlineMs = 120_000 + messages * 4_000;

/** A small generator of numbers from 0 to 1 (mulberry32), so that a run can be repeated with its seed. */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

test(`every message is answered once while everything is killed at random (seed ${seed})`, {
  timeout: deadlineMs,
}, async () => {
  const random = randomFrom(seed);
  const port = await freePort();
  await using model = await startScriptedModel();
  await using folder = await temporaryFolder();
  const start = (): Promise<Server> =>
    startServer({
      dataDir: folder.path,
      port,
      env: { ANTHROPIC_API_KEY: 'sk-ant-test-0123456789', ANTHROPIC_BASE_URL: model.url, LOG_LEVEL: 'warn' },
    });

  let server = await start();
  const client = new Client(server.url);
  const team = await client.createTeam('chaos');
  await client.deploy(team.id);
  using watcher = watch(server.url, team.id);

  const kills: Record<string, number> = {};
  function kill(what: string, pid: number | undefined): void {
    if (pid === undefined) return;
    try {
      process.kill(pid, 'SIGKILL');
      kills[what] = (kills[what] ?? 0) + 1;
    } catch {
      // It ended by itself meanwhile.
    }
  }
  const ofLeader = (part: string) => processesWith('/chaos/lead').find(({ command }) => command.includes(part))?.pid;
  const victims = [
    async () => {
      kills.server = (kills.server ?? 0) + 1;
      await server.end('SIGKILL');
      server = await start();
    },
    async () => kill('sidecar', ofLeader('sidecar/src/main.ts')),
    async () => kill('cli', ofLeader('--input-format')),
    async () => kill('nats', JSON.parse(readFileSync(join(folder.path, 'nats/process.json'), 'utf8')).pid),
  ];

  const done = new AbortController();
  const killing = (async () => {
    while (!done.signal.aborted) {
      await delay(random() * pauseMs);
      if (!done.signal.aborted) await victims[Math.floor(random() * victims.length)]?.().catch(() => undefined);
    }
  })();

  try {
    for (let index = 0; index < messages; index += 1) {
      // A server that is just being killed refuses: a client tries again, and may so have sent the text twice.
      await waitFor(
        `message ${index} to be accepted`,
        () => client.chat(team.id, `message ${index}`).catch(() => false as const),
        {
          timeoutMs: 60_000,
          intervalMs: 200,
        },
      );
      await delay(random() * 600);
    }
  } finally {
    done.abort();
    await killing;
  }

  const all = () => everything(client, team.id);
  await waitFor(
    'all replies',
    async () => {
      const rows = await all();
      const asked = rows.filter(({ message_type }) => message_type === 'user_message');
      const answered = new Set(rows.map(({ ref_message_id }) => ref_message_id));
      return asked.length >= messages && asked.every(({ message_id }) => answered.has(message_id));
    },
    { timeoutMs: deadlineMs / 2, intervalMs: 500 },
  );
  await client.untilStatus(team.id, 'running');

  const rows = await all();
  const asked = rows.filter(({ message_type }) => message_type === 'user_message');
  const replies = rows.filter(({ message_type }) => message_type === 'leader_response');
  console.info({ seed, kills, asked: asked.length, replies: replies.length });
  expect(new Set(replies.map(({ ref_message_id }) => ref_message_id)).size).toBe(replies.length);
  for (const { message_id, payload } of asked) {
    const reply = replies.find(({ ref_message_id }) => ref_message_id === message_id);
    expect(reply?.payload.result, JSON.stringify(reply)).toBe(`You said: ${payload.content}`);
  }
  await watcher.seen(rows.at(-1)?.seq ?? 0);
  const history = (await all()).map(({ seq }) => seq);
  await watcher.seen(history.at(-1) ?? 0);
  expect(watcher.seqs.filter((seq) => seq <= (history.at(-1) ?? 0))).toEqual(history);

  await client.call('POST', `/api/teams/${team.id}/stop`);
  await server.end('SIGTERM');
  await waitFor('all processes to end', () => processesWith(folder.path).length === 0);
});

/** All rows of the team, oldest first, page by page. */
async function everything(client: Client, teamId: string): Promise<Message[]> {
  const rows: Message[] = [];
  for (;;) {
    const page = await client.call<Message[]>(
      'GET',
      `/api/teams/${teamId}/activity?limit=200&after=${rows.at(-1)?.seq ?? 0}`,
    );
    if (page.length === 0) return rows;
    rows.push(...page);
  }
}
