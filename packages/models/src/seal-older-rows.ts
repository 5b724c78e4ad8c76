import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '@agentcrew/protocol';
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
  inTransaction(connection, () => {
    const plain = [...plainRows(sqlite, 'teams', box), ...plainRows(sqlite, 'agents', box)];
    if (plain.length === 0 || !isRightKey(sqlite, box)) return;
    for (const { table, id, sealed } of plain) {
      sqlite.prepare(`update ${table} set mcp_servers = ? where id = ?`).run(JSON.stringify(sealed), id);
    }
    sqlite.pragma(`user_version = ${unwiped}`);
  });
  if (sqlite.pragma('user_version', { simple: true }) !== unwiped) return;
  try {
    sqlite.exec('vacuum');
    const busy = sqlite.pragma('wal_checkpoint(TRUNCATE)', { simple: true });
    if (busy === 0) sqlite.pragma('user_version = 0');
  } catch (error) {
    process.emitWarning(
      `The database still holds plain secrets of an older version; the next start wipes them (${messageOf(error)}).`,
    );
  }
}

/** Whether what is sealed already opens with it. */
function isRightKey(sqlite: Sqlite.Database, box: SecretBox): boolean {
  const sealed = sqlite.prepare('select value from settings union all select nats_token from teams').pluck().all();
  return (sealed as string[]).every((text) => box.open(text) !== undefined);
}

/** Rows that have something plain, with their servers sealed. */
function plainRows(sqlite: Sqlite.Database, table: 'teams' | 'agents', box: SecretBox) {
  const rows = sqlite.prepare(`select id, mcp_servers from ${table} where mcp_servers is not null`).all();
  return (rows as { id: string; mcp_servers: string }[]).flatMap(({ id, mcp_servers }) => {
    const stored: McpServer[] | null = JSON.parse(mcp_servers);
    const sealed = sealedRest(box, stored);
    return isDeepStrictEqual(sealed, stored) ? [] : [{ table, id, sealed }];
  });
}
