import { z } from 'zod';

/** Folder of a workspace that holds what users attach to messages. */
export const uploadsFolder = 'uploads';
/** Files that one message may have. */
export const mostFiles = 5;
/** Bytes of one attached file. */
export const largestFile = 10 * 1024 * 1024;
/** Bytes of a file in one request; in base64 they fit into the 1 MiB that nats-server takes by default. */
export const largestChunk = 512 * 1024;
/** Bytes of a file in one answer. */
export const longestRead = 256 * 1024;
/** Entries of a folder in one answer. */
export const mostEntries = 1000;

/** Characters of a file's name in its folder, so that there is room for what makes it unique. */
const longestName = 240;
const longestPath = 4096;

/** A file that came with a message: `path` is where its agent finds it, `type` what the sender says it is. */
export const fileRefSchema = z.object({
  name: z.string(),
  path: z.string(),
  /** Bytes. */
  size: z.int().nonnegative(),
  type: z.string(),
});
export type FileRef = z.infer<typeof fileRefSchema>;

const uploadId = z.uuid();
const uploadIds = z.array(uploadId).min(1).max(mostFiles);
/** Below the workspace, with `/`; empty: the workspace itself. */
const path = z.string().max(longestPath);

/**
 * Requests about the files of the agent's workspace; every one may be repeated.
 * `put_file` hands over a part of a new file, which nobody sees yet; the part with offset 0 begins it. `keep_files` makes
 * complete ones files of the folder `uploads`, all or none, under a name that is free. `discard_files` forgets them,
 * kept or not. What is not kept within ten minutes of its last part is forgotten too.
 */
export const fileRequestSchemas = [
  z.object({
    type: z.literal('put_file'),
    upload_id: uploadId,
    name: z
      .string()
      .max(longestName)
      .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/),
    size: z.int().nonnegative().max(largestFile),
    offset: z.int().nonnegative(),
    /** Base64. */
    data: z.base64().max(Math.ceil(largestChunk / 3) * 4),
  }),
  z.object({ type: z.literal('keep_files'), upload_ids: uploadIds }),
  z.object({ type: z.literal('discard_files'), upload_ids: uploadIds }),
  z.object({ type: z.literal('list_folder'), path, offset: z.int().nonnegative() }),
  z.object({
    type: z.literal('read_file'),
    path,
    offset: z.int().nonnegative(),
    /** 0: only what is known about the file. */
    length: z.int().nonnegative().max(longestRead),
  }),
] as const;
export type FileRequest = z.infer<(typeof fileRequestSchemas)[number]>;

export const folderEntrySchema = z.object({
  name: z.string(),
  /** `link`: a symbolic link, wherever it leads; `other`: a device, socket or pipe. */
  type: z.enum(['folder', 'file', 'link', 'other']),
  /** Bytes; of files only. */
  size: z.int().nonnegative().optional(),
  modified: z.iso.datetime(),
});
export type FolderEntry = z.infer<typeof folderEntrySchema>;

export const folderPageSchema = z.object({
  /** Folders first, then by name. */
  entries: z.array(folderEntrySchema),
  /** There is more behind the last entry. */
  truncated: z.boolean(),
});
export type FolderPage = z.infer<typeof folderPageSchema>;

export const filePartSchema = z.object({
  size: z.int().nonnegative(),
  modified: z.iso.datetime(),
  /** Another one when another file has taken its place. */
  identity: z.string(),
  /** Another one when the content may be another one. */
  version: z.string(),
  /** Base64; shorter than asked for at the end of the file. */
  data: z.string(),
});
export type FilePart = z.infer<typeof filePartSchema>;

/** What the answers have besides `ok`, `error` and `code`. */
export const fileAnswerSchema = z.object({
  /** Absolute paths as the agent sees them, in the order of the request. */
  kept: z.array(z.string()).optional(),
  folder: folderPageSchema.optional(),
  part: filePartSchema.optional(),
});
export type FileAnswer = z.infer<typeof fileAnswerSchema>;
