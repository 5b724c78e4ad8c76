import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@agentcrew/testkit';
import Sqlite from 'better-sqlite3';
import { expect, onTestFinished, test, vi } from 'vitest';
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
  const bytes = () => {
    const files = [path, `${path}-wal`, `${path}-shm`].filter(existsSync);
    return files.map((file) => readFileSync(file, 'latin1')).join('');
  };
  return { open, raw, bytes };
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

test('those that an older version left plain are sealed when it is opened, and nothing of them is left in the file', async () => {
  const { open, raw, bytes } = await place();
  const first = open();
  const team1 = first.teams.insert(team([]));
  const agent = first.agents.insert({ team_id: team1.id, name: 'ada', slug: 'ada' });
  const gone = first.teams.insert({ ...team([]), name: 'beta', slug: 'beta' });
  first[Symbol.dispose]();
  const plain = JSON.stringify(servers);
  raw((sqlite) => {
    sqlite.prepare('update teams set mcp_servers = ?').run(plain.replaceAll('canary', 'canary-before-'.repeat(1_000)));
    sqlite.prepare('delete from teams where id = ?').run(gone.id);
    sqlite.prepare('update teams set mcp_servers = ?').run(plain);
    sqlite.prepare('update agents set mcp_servers = ?').run(plain);
  });
  expect(bytes()).toContain('canary-before');

  const db = open();
  expect(bytes()).toContain('db-mcp');
  expect(bytes()).not.toContain('canary');
  expect(db.teams.get(team1.id)).toEqual({ ...team1, mcp_servers: servers });
  expect(db.agents.get(team1.id, agent.id)).toEqual({ ...agent, mcp_servers: servers });
  const stored = () => raw((sqlite) => sqlite.prepare('select mcp_servers from teams').pluck().get());
  const before = stored();
  open();
  expect(stored()).toBe(before);
});

test('what was sealed before the server was killed is wiped by the next opening', async () => {
  const { open, raw, bytes } = await place();
  open()[Symbol.dispose]();
  raw((sqlite) => {
    sqlite.exec("create table t (x); insert into t values ('canary'); drop table t; pragma user_version = 1");
  });
  expect(bytes()).toContain('canary');
  open();
  expect(bytes()).not.toContain('canary');
  expect(raw((sqlite) => sqlite.pragma('user_version', { simple: true }))).toBe(0);
});

test('with a key that other secrets were not sealed with, nothing is sealed', async () => {
  const { open, raw } = await place();
  open().teams.insert({ ...team([]), nats_token: 'sealed with the right key' });
  const plain = JSON.stringify(servers);
  raw((sqlite) => sqlite.prepare('update teams set mcp_servers = ?').run(plain));
  const stored = () => raw((sqlite) => sqlite.prepare('select mcp_servers from teams').pluck().get());
  open('another key');
  expect(stored()).toBe(plain);
  open();
  expect(stored()).not.toBe(plain);
});

test('a file that cannot be wiped now is opened all the same, and wiped later', async () => {
  const { open, raw } = await place();
  open()[Symbol.dispose]();
  raw((sqlite) => sqlite.pragma('user_version = 1'));
  const version = () => raw((sqlite) => sqlite.pragma('user_version', { simple: true }));
  const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
  onTestFinished(() => warned.mockRestore());
  const { exec } = Sqlite.prototype;
  const vacuum = vi.spyOn(Sqlite.prototype, 'exec').mockImplementation(function (this: Sqlite.Database, source) {
    if (source === 'vacuum') throw new Error('database or disk is full');
    return exec.call(this, source);
  });
  onTestFinished(() => vacuum.mockRestore());
  expect(open().teams.all()).toEqual([]);
  expect(warned).toHaveBeenCalledWith(expect.stringContaining('the next start wipes them (database or disk is full)'));
  expect(version()).toBe(1);
  vacuum.mockRestore();
  open();
  expect(version()).toBe(0);
});

test('with another key they are empty', async () => {
  const { open } = await place();
  const { id } = open().teams.insert(team(servers));
  expect(open('another').teams.get(id)?.mcp_servers?.[0]?.env).toEqual({ TOKEN: '', EMPTY: '' });
});
