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
 * in its log, so that the file is written anew then; what keeps it from that is a warning, and the next opening tries again.
 * With a key that other secrets were not sealed with, nothing is changed: the right one could not open it any more.
 */
export function sealOlderRows(connection: Connection, box: SecretBox): void {
  const { sqlite } = connection;
  if (!isRightKey(sqlite, box)) return;
  inTransaction(connection, () => {
    const sealed = sealTable(sqlite, 'teams', box) + sealTable(sqlite, 'agents', box);
    if (sealed > 0) sqlite.pragma(`user_version = ${unwiped}`);
  });
  if (sqlite.pragma('user_version', { simple: true }) !== unwiped) return;
  try {
    sqlite.exec('vacuum');
    const busy = sqlite.pragma('wal_checkpoint(TRUNCATE)', { simple: true });
    if (busy === 0) sqlite.pragma('user_version = 0');
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    process.emitWarning(
      `The database still holds plain secrets of an older version; the next start wipes them (${text}).`,
    );
  }
}

/** Whether what is sealed already opens with it. */
function isRightKey(sqlite: Sqlite.Database, box: SecretBox): boolean {
  const sealed = sqlite.prepare('select value from settings union all select nats_token from teams').pluck().all();
  return (sealed as string[]).every((text) => box.open(text) !== undefined);
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
