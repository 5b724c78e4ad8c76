import { copyFile, type FileHandle, open, rename, stat, truncate } from 'node:fs/promises';

/** A log file that grew over this many bytes makes room: its contents move to `<file>.1`. */
export const maxLogBytes = 10 * 1024 * 1024;

/** Size in bytes; 0 when the file does not exist. */
export async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

/** Moves an over-long log aside before its writer starts. */
export async function rotateLog(path: string): Promise<void> {
  if ((await sizeOf(path)) > maxLogBytes) await rename(path, `${path}.1`);
}

/**
 * Empties an over-long log under its running writer, which appends and so goes on at the new end. Lines written
 * between copying and emptying are lost; that is the price of a writer that cannot be asked to reopen its file.
 */
export async function boundLog(path: string): Promise<void> {
  if ((await sizeOf(path)) <= maxLogBytes) return;
  await copyFile(path, `${path}.1`);
  await truncate(path, 0);
}

/** A log file to give a child as its standard output or error. The caller closes it. */
export async function openLog(path: string): Promise<FileHandle> {
  return await open(path, 'a', 0o600);
}

/** The last lines written after byte `from`, at most `count` of them and 16 KiB. */
export async function lastLines(path: string, count: number, from = 0): Promise<string[]> {
  const file = await open(path).catch(() => undefined);
  if (!file) return [];
  try {
    const { size } = await file.stat();
    const start = Math.max(from > size ? 0 : from, size - 16 * 1024);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
    return lines.filter((line) => line.trim() !== '').slice(-count);
  } finally {
    await file.close();
  }
}
