import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { childEnvironment } from './child-environment.ts';
import { endProcess } from './end-processes.ts';
import { lastLines, rotateLog, sizeOf } from './log-files.ts';
import { readJsonFile, removePath, writePrivateFile } from './private-files.ts';
import { isAlive, type ProcessIdentity, type ProcessTable } from './process-table.ts';
import { type DetachedChild, spawnDetached } from './spawn-detached.ts';

/** In the environment of our nats-server: its folder, by which a server without a record is found. */
const markerVariable = 'AGENTCREW_NATS';
const stopGraceMs = 5_000;

const recordSchema = z.object({ pid: z.int().positive(), start_time: z.string() });

/** The files of the nats-server of one data directory. */
export function natsFiles(folder: string) {
  return {
    folder,
    config: join(folder, 'nats.conf'),
    state: join(folder, 'teams.json'),
    record: join(folder, 'process.json'),
    log: join(folder, 'nats.log'),
    store: join(folder, 'store'),
    /** Where nats-server keeps the JetStream data, a folder for every account. */
    accounts: join(folder, 'store', 'jetstream'),
  };
}
export type NatsFiles = ReturnType<typeof natsFiles>;

/** The running server: the recorded one, else one that was started by a server that was killed at once. */
export async function findRunning(table: ProcessTable, files: NatsFiles): Promise<ProcessIdentity | undefined> {
  const record = await readJsonFile(files.record, recordSchema);
  if (record && (await isAlive(table, record))) return record;
  for (const [pid, folder] of await table.marked(markerVariable)) {
    const identity = folder === files.folder ? await table.identify(pid) : undefined;
    if (!identity) continue;
    await writePrivateFile(files.record, JSON.stringify(identity));
    return identity;
  }
  return undefined;
}

export async function endNats(table: ProcessTable, files: NatsFiles, running: ProcessIdentity): Promise<void> {
  await endProcess(table, running, stopGraceMs);
  await removePath(files.record);
}

/** Starts nats-server in a session of its own and records it; it may still fail, see `natsLastWords`. */
export async function spawnNats(
  table: ProcessTable,
  files: NatsFiles,
  command: string,
  hostEnvironment: Record<string, string | undefined>,
): Promise<DetachedChild & { logStart: number }> {
  await rotateLog(files.log);
  const logStart = await sizeOf(files.log);
  const child = await spawnDetached({
    command,
    args: ['-c', files.config],
    cwd: files.folder,
    env: childEnvironment(hostEnvironment, { [markerVariable]: files.folder }),
    stdout: files.log,
    stderr: files.log,
  });
  const identity = child.pid === undefined ? undefined : await table.identify(child.pid);
  if (identity) await writePrivateFile(files.record, JSON.stringify(identity));
  return Object.assign(child, { logStart });
}

/** What the server said since byte `from` of its log, without the dates. */
export async function natsLastWords(files: NatsFiles, from: number): Promise<string> {
  const lines = await lastLines(files.log, 3, from);
  return lines.map((line) => line.replace(/^\[\d+\] \S+ \S+ /, '')).join(' | ');
}

/** Asks every 50 ms until the answer is yes; resolves with false after `timeoutMs` or when `stop` says so. */
export async function until(
  ask: () => Promise<boolean>,
  timeoutMs: number,
  stop: () => boolean = () => false,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!(await ask())) {
    if (stop() || Date.now() >= deadline) return false;
    await sleep(50);
  }
  return true;
}
