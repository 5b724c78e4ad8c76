import type { Dirent } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { type FolderEntry, type FolderPage, mostEntries } from '@agentcrew/protocol';
import { openInside, pathOf, refused } from './inside.ts';
import { isTemporary } from './uploads-folder.ts';

/** Names that are looked at; the rest of a larger folder is not shown. */
const mostNames = 50_000;
/** Bytes of an answer, below what a bus takes. */
const longestAnswer = 512 * 1024;

/** Entries of a folder from the one with the number `offset` on, folders first, then by name. */
export async function listFolder(workspace: string, path: string, offset: number): Promise<FolderPage> {
  await using folder = await openInside(workspace, path);
  if (!(await folder.stat()).isDirectory()) throw refused('is not a folder');
  const place = pathOf(folder, workspace, path);
  const { names, cut } = await namesIn(place);
  const page = names.slice(offset, offset + mostEntries);
  const entries = (await Promise.all(page.map((entry) => describe(place, entry)))).filter(
    (entry) => entry !== undefined,
  );
  const fitting = entries.slice(0, fittingCount(entries));
  const shown = fitting.length === entries.length ? page.length : fitting.length;
  return { entries: fitting, truncated: cut || offset + shown < names.length };
}

async function namesIn(place: string): Promise<{ names: Dirent[]; cut: boolean }> {
  const names: Dirent[] = [];
  let cut = false;
  for await (const entry of await opendir(place, { bufferSize: 256 })) {
    cut = names.length === mostNames;
    if (cut) break;
    if (!isTemporary(entry.name)) names.push(entry);
  }
  return { names: names.sort(byKindAndName), cut };
}

function byKindAndName(a: Dirent, b: Dirent): number {
  return Number(b.isDirectory()) - Number(a.isDirectory()) || (a.name < b.name ? -1 : 1);
}

/** `undefined`: it is gone meanwhile. */
async function describe(place: string, { name }: Dirent): Promise<FolderEntry | undefined> {
  const found = await lstat(join(place, name), { bigint: true }).catch(() => undefined);
  if (!found) return undefined;
  const modified = found.mtime.toISOString();
  if (found.isFile()) return { name, type: 'file', size: Number(found.size), modified };
  return { name, type: found.isDirectory() ? 'folder' : found.isSymbolicLink() ? 'link' : 'other', modified };
}

function fittingCount(entries: FolderEntry[]): number {
  let bytes = 0;
  const tooFar = entries.findIndex((entry) => {
    bytes += Buffer.byteLength(JSON.stringify(entry)) + 1;
    return bytes > longestAnswer;
  });
  return tooFar === -1 ? entries.length : tooFar;
}
