import { type FileHandle, open } from 'node:fs/promises';
import type { TeamBus } from '@agentcrew/nats';
import {
  type ControlResponse,
  CrewError,
  type ErrorCode,
  type FilePart,
  type FileRequest,
  type FolderPage,
  largestChunk,
  statusOf,
} from '@agentcrew/protocol';
import { askAgent } from './ask-agent.ts';

const answerWithinMs = 15_000;
/** What a request or an answer has beside the data, in bytes. */
const otherBytes = 2048;

/** The files of an agent's workspace, which the agent itself reads and writes, on every runtime alike. */
export interface AgentFiles {
  list(path: string, offset: number): Promise<FolderPage>;
  /** At most `length` bytes, fewer where the bus takes no more; with 0 only what is known about the file. */
  read(path: string, offset: number, length: number): Promise<FilePart>;
  /** Hands over a local file under a name; it is there when it is kept. */
  put(uploadId: string, name: string, localPath: string): Promise<void>;
  /** @returns the paths as the agent sees them, in the order of the ids */
  keep(uploadIds: string[]): Promise<string[]>;
  /** Forgets files, kept or not. */
  discard(uploadIds: string[]): Promise<void>;
}

/**
 * All calls throw CrewError: AGENT_NOT_RUNNING when the agent cannot be reached, else what it answers: FILE_NOT_FOUND,
 * INVALID_REQUEST, WORKSPACE_UNAVAILABLE.
 */
export function agentFiles(bus: TeamBus | undefined, agent: string): AgentFiles {
  const ask = (request: FileRequest) => asked(bus, agent, request);
  /** Bytes that fit through the bus as base64. */
  const most = Math.floor(((bus?.maxPayload ?? 1_048_576) - otherBytes) * 0.75);

  async function putParts(uploadId: string, name: string, file: FileHandle): Promise<void> {
    const { size } = await file.stat();
    const length = Math.min(largestChunk, most);
    const buffer = Buffer.alloc(length);
    let offset = 0;
    do {
      const { bytesRead } = await file.read(buffer, 0, length, offset);
      if (bytesRead === 0 && size > 0) throw new CrewError('INTERNAL', 'a received file has become shorter');
      const data = buffer.toString('base64', 0, bytesRead);
      await ask({ type: 'put_file', upload_id: uploadId, name, size, offset, data });
      offset += bytesRead;
    } while (offset < size);
  }

  return {
    async list(path, offset) {
      return has((await ask({ type: 'list_folder', path, offset })).folder);
    },
    async read(path, offset, length) {
      return has((await ask({ type: 'read_file', path, offset, length: Math.min(length, most) })).part);
    },
    async put(uploadId, name, localPath) {
      await using file = await open(localPath);
      await putParts(uploadId, name, file);
    },
    async keep(uploadIds) {
      return has((await ask({ type: 'keep_files', upload_ids: uploadIds })).kept);
    },
    async discard(uploadIds) {
      await ask({ type: 'discard_files', upload_ids: uploadIds });
    },
  };
}

async function asked(bus: TeamBus | undefined, agent: string, request: FileRequest): Promise<ControlResponse> {
  const answer = await askAgent(bus, agent, request, answerWithinMs);
  if (answer.ok) return answer;
  const { code, error = 'it gives no reason' } = answer;
  if (isRefusal(code)) throw new CrewError(code, error);
  // An agent that has run since before it could do this does not know the request.
  const advice = 'Restart it if it was started by an older version of the server.';
  throw new CrewError('WORKSPACE_UNAVAILABLE', `the agent cannot do this: ${error}. ${advice}`);
}

function isRefusal(code: string | undefined): code is ErrorCode {
  return code !== undefined && code in statusOf && statusOf[code as ErrorCode] < 500;
}

function has<T>(value: T | undefined): T {
  if (value === undefined) throw new CrewError('AGENT_FAILED', 'the agent sent an incomplete answer');
  return value;
}
