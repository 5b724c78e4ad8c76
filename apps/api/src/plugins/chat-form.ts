import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CrewError, largestFile, messageOf, mostFiles } from '@agentcrew/protocol';
import multipart, { type Multipart, type MultipartFile } from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { ReceivedFile } from '../crew/attachments.ts';
import { cleaned } from './json-body.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Files of a form; they are removed when the connection to the client is done with the answer. */
    receivedFiles: ReceivedFile[] | undefined;
  }
}

/** Forms that are received at the same time; each may take the room of all its files on this server's disk. */
const mostForms = 8;
/** How long a form may take to come in, in milliseconds. */
const receiveWithinMs = 300_000;
const longestField = 1024 * 1024;
const longestName = 255;

/** Reads forms with files (`multipart/form-data`) on the routes beside it; `folder` is where the files wait. */
export const chatForm = fp(async (app: FastifyInstance, { folder }: { folder: string }) => {
  let forms = 0;
  await app.register(multipart, {
    throwFileSizeLimit: false,
    limits: {
      fileSize: largestFile,
      files: mostFiles + 1,
      fields: 20,
      fieldSize: longestField,
      parts: 40,
      headerPairs: 20,
    },
  });
  app.decorateRequest('receivedFiles', undefined);
  app.addHook('preValidation', async (request, reply) => {
    if (!request.isMultipart()) return;
    if (forms >= mostForms) {
      request.raw.resume();
      reply.header('retry-after', '5');
      throw new CrewError('TOO_MANY_CONNECTIONS', 'too many files are being received; try again in some seconds');
    }
    // Whoever has gone while they were recognised closes nothing any more that would be heard of here.
    if (request.raw.socket.destroyed) throw new CrewError('INVALID_REQUEST', 'the client has gone');
    forms += 1;
    const place = join(folder, randomUUID());
    reply.raw.once('close', () => {
      forms -= 1;
      void rm(place, { recursive: true, force: true });
    });
    await receive(request, place);
  });
});

async function receive(request: FastifyRequest, place: string): Promise<void> {
  const late = setTimeout(() => request.raw.destroy(), receiveWithinMs);
  try {
    await mkdir(place, { mode: 0o700 });
    const { fields, files } = await readForm(request.parts(), place);
    request.body = cleaned(fields);
    request.receivedFiles = files;
  } catch (error) {
    // The rest is read and dropped: a client looks at the answer only when it has sent everything.
    request.raw.unpipe();
    request.raw.resume();
    throw asRefusal(error);
  } finally {
    clearTimeout(late);
  }
}

async function readForm(parts: AsyncIterable<Multipart>, place: string) {
  const fields: Record<string, unknown> = {};
  const files: ReceivedFile[] = [];
  for await (const part of parts) {
    if (part.type === 'field') {
      if (part.valueTruncated) throw new CrewError('PAYLOAD_TOO_LARGE', `${part.fieldname} is too large`);
      // A browser writes every line break of a text as CR LF.
      fields[part.fieldname] = typeof part.value === 'string' ? part.value.replaceAll('\r\n', '\n') : part.value;
      continue;
    }
    const file = await save(part, join(place, String(files.length)));
    if (file) files.push(file);
    if (files.length > mostFiles) throw refused(`too many files: at most ${mostFiles} are allowed`);
  }
  return { fields, files };
}

/** `undefined`: the empty field of a form in which no file was chosen. */
async function save(part: MultipartFile, localPath: string): Promise<ReceivedFile | undefined> {
  if (part.fieldname !== 'files')
    throw refused(`unexpected file in the field ${part.fieldname}: files belong into files`);
  await pipeline(part.file, createWriteStream(localPath, { flags: 'wx', mode: 0o600 }));
  const name = (part.filename ?? '').replaceAll('\0', '').slice(0, longestName).toWellFormed();
  if (part.file.truncated) {
    throw refused(`file ${JSON.stringify(name)} is too large: at most ${largestFile / 1024 / 1024} MiB are allowed`);
  }
  const size = part.file.bytesRead;
  if (name === '' && size === 0) return undefined;
  return { name: name || 'upload', type: mediaType(part.mimetype), size, localPath };
}

/** What a client says, as far as it is a media type. */
function mediaType(given: string): string {
  return /^[\w.+-]{1,100}\/[\w.+-]{1,100}$/.test(given) ? given : 'application/octet-stream';
}

function refused(rule: string): CrewError {
  return new CrewError('INVALID_REQUEST', rule);
}

function asRefusal(error: unknown): unknown {
  if (error instanceof CrewError) return error;
  if (error instanceof Error && 'errno' in error) {
    return new CrewError('STORAGE_UNAVAILABLE', `received files cannot be stored: ${error.message}`, { cause: error });
  }
  return new CrewError('INVALID_REQUEST', `invalid request body: ${messageOf(error)}`, { cause: error });
}
