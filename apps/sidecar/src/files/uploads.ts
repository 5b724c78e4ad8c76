import { closeSync, openSync, renameSync, unlinkSync } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { CrewError, type FileRequest, uploadsFolder } from '@agentcrew/protocol';
import { openUploadsFolder, removeLeftUploads, temporaryFor, type UploadsFolder } from './uploads-folder.ts';

export interface UploadsOptions {
  /** Absolute. */
  workspace: string;
  /** Slug. */
  agent: string;
  /** An upload is forgotten when nothing has come for so long, in milliseconds. */
  idleMs?: number;
}

type PutRequest = Extract<FileRequest, { type: 'put_file' }>;

interface Upload {
  folder: UploadsFolder;
  file: FileHandle;
  temporary: string;
  name: string;
  size: number;
  received: number;
  idle: NodeJS.Timeout;
}

const defaultIdleMs = 600_000;
/** Uploads under way: all of the messages that the server takes at once, 8 with 5 files each. Each has two descriptors. */
const mostUploads = 40;
/** Kept files that are remembered, to answer what is repeated. */
const mostRemembered = 100;
/** Files of one name and one second. */
const mostNamesakes = 1000;

/**
 * Files on their way into the workspace. They are written under names of their own beside their place, so that nobody sees
 * half a file, and get their names when all of a message are complete.
 */
export class Uploads {
  readonly #workspace: string;
  readonly #agent: string;
  readonly #idleMs: number;
  readonly #open = new Map<string, Promise<Upload>>();
  /** Names of kept files by upload. */
  readonly #kept = new Map<string, string>();

  constructor({ workspace, agent, idleMs = defaultIdleMs }: UploadsOptions) {
    this.#workspace = workspace;
    this.#agent = agent;
    this.#idleMs = idleMs;
  }

  /** Removes what earlier processes left. A workspace without uploads is no error. */
  async sweep(): Promise<void> {
    await removeLeftUploads(this.#workspace, this.#agent).catch(() => {});
  }

  /** Writes a part of a file. @throws CrewError INVALID_REQUEST, WORKSPACE_UNAVAILABLE; errors of the file system */
  async put(request: PutRequest): Promise<void> {
    if (this.#kept.has(request.upload_id)) return;
    const upload = await this.#uploadFor(request);
    const bytes = Buffer.from(request.data, 'base64');
    const end = request.offset + bytes.length;
    if (request.offset > upload.received || end > upload.size) {
      throw new CrewError('INVALID_REQUEST', 'the part does not belong to the file');
    }
    await writeAt(upload.file, bytes, request.offset);
    upload.received = Math.max(upload.received, end);
    upload.idle.refresh();
  }

  /** Gives complete files their names, all or none. @returns their paths as the agent sees them */
  async keep(ids: readonly string[]): Promise<string[]> {
    const waiting = ids.filter((id) => !this.#kept.has(id));
    const uploads = await Promise.all(waiting.map((id) => this.#complete(id)));
    await Promise.all(uploads.map(({ file }) => file.datasync()));
    for (const [index, name] of nameAll(uploads).entries()) this.#remember(waiting[index], name);
    await Promise.all(waiting.map((id) => this.#release(id)));
    return ids.map((id) => join(this.#workspace, uploadsFolder, this.#kept.get(id) ?? ''));
  }

  /** Forgets files, also kept ones; unknown ones are no error. */
  async discard(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      await this.#release(id, ({ folder, temporary }) => unlink(join(folder.place, temporary)).catch(() => {}));
      await this.#unkeep(id);
    }
  }

  /** Forgets all that is not kept. */
  async close(): Promise<void> {
    await this.discard([...this.#open.keys()]);
  }

  #uploadFor(request: PutRequest): Promise<Upload> {
    const known = this.#open.get(request.upload_id);
    if (known) return known;
    if (request.offset !== 0) throw unknownUpload();
    if (this.#open.size >= mostUploads) {
      throw new CrewError('WORKSPACE_UNAVAILABLE', 'too many files are being uploaded to the agent');
    }
    const opening = this.#begin(request);
    this.#open.set(request.upload_id, opening);
    opening.catch(() => this.#open.delete(request.upload_id));
    return opening;
  }

  async #begin({ upload_id: id, name, size }: PutRequest): Promise<Upload> {
    const folder = await openUploadsFolder(this.#workspace);
    const temporary = temporaryFor(this.#agent, id);
    try {
      const file = await open(join(folder.place, temporary), 'wx', 0o644);
      const idle = setTimeout(() => void this.discard([id]).catch(() => {}), this.#idleMs).unref();
      return { folder, file, temporary, name, size, received: 0, idle };
    } catch (error) {
      await folder[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #complete(id: string): Promise<Upload> {
    const upload = await this.#open.get(id);
    if (!upload) throw unknownUpload();
    if (upload.received === upload.size) return upload;
    throw new CrewError('INVALID_REQUEST', `${upload.received} of ${upload.size} bytes of a file have come`);
  }

  /** Closes what is open, after the parts that are being written, and does the last that is to be done in the folder. */
  async #release(id: string, last?: (upload: Upload) => Promise<unknown>): Promise<void> {
    const upload = await this.#open.get(id)?.catch(() => undefined);
    if (!upload || !this.#open.delete(id)) return;
    clearTimeout(upload.idle);
    await using _folder = upload.folder;
    await upload.file.close();
    await last?.(upload);
  }

  #remember(id: string | undefined, name: string): void {
    if (id === undefined) return;
    this.#kept.set(id, name);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > mostRemembered && oldest !== undefined) this.#kept.delete(oldest);
  }

  async #unkeep(id: string): Promise<void> {
    const name = this.#kept.get(id);
    if (name === undefined) return;
    this.#kept.delete(id);
    await using folder = await openUploadsFolder(this.#workspace);
    await unlink(join(folder.place, name)).catch(() => {});
  }
}

function unknownUpload(): CrewError {
  return new CrewError('WORKSPACE_UNAVAILABLE', 'the agent was restarted, or nothing has come for too long');
}

async function writeAt(file: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}

/** Synchronous: nothing comes between the files of a message. */
function nameAll(uploads: Upload[]): string[] {
  const named: string[] = [];
  try {
    for (const upload of uploads) named.push(nameOne(upload));
  } catch (error) {
    for (const [index, name] of named.entries()) unlinkSync(join(uploads[index]?.folder.place ?? '', name));
    throw error;
  }
  return named;
}

/** Takes a free name with an empty file, which the complete one then replaces: not every file system has links. */
function nameOne({ folder, temporary, name }: Upload): string {
  const { name: stem, ext } = parse(name);
  for (let number = 1; number <= mostNamesakes; number += 1) {
    const candidate = number === 1 ? name : `${stem}-${number}${ext}`;
    const place = join(folder.place, candidate);
    if (isTaken(place)) continue;
    try {
      renameSync(join(folder.place, temporary), place);
      return candidate;
    } catch (error) {
      unlinkSync(place);
      throw error;
    }
  }
  throw new CrewError('WORKSPACE_UNAVAILABLE', `there are too many files named ${name}`);
}

function isTaken(place: string): boolean {
  try {
    closeSync(openSync(place, 'wx', 0o644));
    return false;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return true;
    throw error;
  }
}
