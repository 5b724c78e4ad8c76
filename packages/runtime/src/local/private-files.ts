import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { CrewError } from '@agentcrew/protocol';
import type { z } from 'zod';

const run = promisify(execFile);
const chmodMs = 60_000;

/** Says in words why the data directory cannot be used. */
export function storageError(path: string, cause: unknown): CrewError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const reasons: Record<string, string> = {
    EACCES: 'is not writable for this user',
    EPERM: 'is not writable for this user',
    EROFS: 'is on a read-only file system',
    ENOSPC: 'is on a full disk',
    EDQUOT: 'is over its disk quota',
    ENOTDIR: 'has a file where a folder should be',
    EEXIST: 'has a file where a folder should be',
  };
  const reason = reasons[code] ?? `cannot be used (${code || String(cause)})`;
  return new CrewError('STORAGE_UNAVAILABLE', `the data directory ${reason}: ${path}`, { cause });
}

/** Creates the folder and its parents, readable by this user only. @throws CrewError STORAGE_UNAVAILABLE */
export async function ensurePrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw storageError(path, error);
  }
}

/** Replaces a file in one step, readable by this user only. @throws CrewError STORAGE_UNAVAILABLE */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const next = `${path}.${randomUUID()}`;
  try {
    await writeFile(next, text, { mode: 0o600 });
    await rename(next, path);
  } catch (error) {
    await rm(next, { force: true }).catch(() => undefined);
    throw storageError(path, error);
  }
}

/** Removes a file or a folder with all it holds; absence is no error. @throws CrewError STORAGE_UNAVAILABLE */
export async function removePath(path: string): Promise<void> {
  const remove = async () => rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 });
  try {
    await remove().catch(async () => {
      // Folders that nobody may write to, as package managers make them, keep what is in them.
      await run('chmod', ['-R', 'u+rwX', path], { timeout: chmodMs }).catch(() => undefined);
      await remove();
    });
  } catch (error) {
    throw storageError(path, error);
  }
}

/** What a JSON file says; `undefined` when it is absent or not of that form. */
export async function readJsonFile<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}
