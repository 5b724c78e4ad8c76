import { isDeepStrictEqual } from 'node:util';
import type Sqlite from 'better-sqlite3';
import { type Connection, inTransaction } from './connection.ts';
import { sealedRest } from './mcp-secrets.ts';
import type { SecretBox } from './secret-box.ts';
import type { McpServer } from './values.ts';

/** The `user_version` of a file that may still hold, outside of its rows, the plain text of what is sealed now. */
const unwiped = 1;

/**
 * Seals the secrets of MCP servers in rows of versions that stored them plain. SQLite leaves old text in free pages and
 * in its log, so that the file is written anew then; when that is cut off, the next opening does it.
 */
export function sealOlderRows(connection: Connection, box: SecretBox): void {
  const { sqlite } = connection;
  inTransaction(connection, () => {
    const sealed = sealTable(sqlite, 'teams', box) + sealTable(sqlite, 'agents', box);
    if (sealed > 0) sqlite.pragma(`user_version = ${unwiped}`);
  });
  if (sqlite.pragma('user_version', { simple: true }) !== unwiped) return;
  sqlite.exec('vacuum');
  const busy = sqlite.pragma('wal_checkpoint(TRUNCATE)', { simple: true });
  if (busy === 0) sqlite.pragma('user_version = 0');
}

/** How many rows had something plain. */
function sealTable(sqlite: Sqlite.Database, table: 'teams' | 'agents', box: SecretBox): number {
  const rows = sqlite.prepare(`select id, mcp_servers from ${table} where mcp_servers is not null`).all();
  const update = sqlite.prepare(`update ${table} set mcp_servers = ? where id = ?`);
  let sealed = 0;
  for (const { id, mcp_servers } of rows as { id: string; mcp_servers: string }[]) {
    const stored: McpServer[] | null = JSON.parse(mcp_servers);
    const servers = sealedRest(box, stored);
    if (isDeepStrictEqual(servers, stored)) continue;
    update.run(JSON.stringify(servers), id);
    sealed += 1;
  }
  return sealed;
}
