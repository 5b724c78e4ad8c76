import { join } from 'node:path';
import { temporaryFolder } from '@agentcrew/testkit';
import Sqlite from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { type McpServer, openDatabase } from '../src/index.ts';

const servers: McpServer[] = [
  { name: 'db', transport: 'stdio', command: 'db-mcp', env: { TOKEN: 'canary-one', EMPTY: '' } },
  { name: 'web', transport: 'http', url: 'https://mcp.example', headers: { Authorization: 'canary-two' } },
];

async function place() {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const path = join(folder.path, 'crew.db');
  const open = (encryptionKey = 'key') => {
    const db = openDatabase({ path, encryptionKey });
    onTestFinished(() => db[Symbol.dispose]());
    return db;
  };
  const raw = <T>(work: (sqlite: Sqlite.Database) => T): T => {
    const sqlite = new Sqlite(path);
    try {
      return work(sqlite);
    } finally {
      sqlite.close();
    }
  };
  return { open, raw };
}

const team = (mcp_servers: McpServer[]) => ({
  name: 'alpha',
  slug: 'alpha',
  runtime: 'mock',
  nats_token: 't',
  mcp_servers,
});

test('secrets of MCP servers are sealed in the file, each by itself, and plain in rows', async () => {
  const { open, raw } = await place();
  const db = open();
  const { id } = db.teams.insert(team(servers));
  const agent = db.agents.insert({ team_id: id, name: 'ada', slug: 'ada', mcp_servers: servers });
  db.agents.update(agent.id, { mcp_servers: servers });
  const stored = raw((sqlite) => [
    ...sqlite.prepare('select mcp_servers from teams').pluck().all(),
    ...sqlite.prepare('select mcp_servers from agents').pluck().all(),
  ]);
  for (const text of stored) {
    expect(text).not.toContain('canary');
    expect(text).toContain('"name":"db"');
    expect(JSON.parse(String(text))[0].env).toEqual({
      TOKEN: expect.stringMatching(/^enc::/),
      EMPTY: expect.stringMatching(/^enc::/),
    });
  }
  const rows = [db.teams.get(id), db.teams.list(db.teams.all()[0]?.org_id ?? '')[0], db.agents.get(id, agent.id)];
  for (const row of [...rows, ...db.agents.listByTeam(id), ...db.agents.listByTeams([id])])
    expect(row?.mcp_servers).toEqual(servers);
});

test('rows of older databases are read as they are, and sealed when they are written', async () => {
  const { open, raw } = await place();
  const db = open();
  const { id } = db.teams.insert(team([]));
  raw((sqlite) => sqlite.prepare('update teams set mcp_servers = ?').run(JSON.stringify(servers)));
  expect(db.teams.get(id)?.mcp_servers).toEqual(servers);
  db.teams.update(id, { mcp_servers: db.teams.get(id)?.mcp_servers ?? null });
  expect(raw((sqlite) => sqlite.prepare('select mcp_servers from teams').pluck().get())).not.toContain('canary');
  expect(db.teams.get(id)?.mcp_servers).toEqual(servers);
});

test('with another key they are empty', async () => {
  const { open } = await place();
  const { id } = open().teams.insert(team(servers));
  expect(open('another').teams.get(id)?.mcp_servers?.[0]?.env).toEqual({ TOKEN: '', EMPTY: '' });
});
