import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { FilePart } from '@agentcrew/protocol';
import { openInside, refused } from './inside.ts';

/** At most `length` bytes of a file, from `offset` on; fewer at its end. */
export async function readFilePart(workspace: string, path: string, offset: number, length: number): Promise<FilePart> {
  await using file = await openInside(workspace, path);
  const found = await file.stat({ bigint: true });
  if (!found.isFile()) throw refused('is a folder');
  const data = await readFrom(file, offset, Math.max(0, Math.min(length, Number(found.size) - offset)));
  return { ...describe(found), data: data.toString('base64') };
}

async function readFrom(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

function describe({ dev, ino, size, mtime, mtimeNs }: BigIntStats): Omit<FilePart, 'data'> {
  const short = (value: bigint) => value.toString(36);
  return {
    size: Number(size),
    modified: mtime.toISOString(),
    identity: `${short(dev)}-${short(ino)}`,
    version: `${short(size)}-${short(mtimeNs)}`,
  };
}
