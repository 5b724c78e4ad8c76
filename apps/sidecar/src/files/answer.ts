import { type ControlResponse, CrewError, type FileRequest, messageOf } from '@agentcrew/protocol';
import { listFolder } from './list-folder.ts';
import { readFilePart } from './read-file.ts';
import type { Uploads } from './uploads.ts';

const missing = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ENXIO'];

/** What the file system says, for a person. */
const reasons: Record<string, string> = {
  EACCES: 'the agent may not do this',
  EPERM: 'the agent may not do this',
  EROFS: 'the workspace cannot be written to',
  ENOSPC: 'the workspace is full',
  EDQUOT: 'the workspace is full',
  EMFILE: 'too many files are open',
};

/** Answers a request about the files of a workspace; one that is refused, or fails, with a code. */
export async function answerFiles(request: FileRequest, workspace: string, uploads: Uploads): Promise<ControlResponse> {
  try {
    return { ok: true, ...(await answer(request, workspace, uploads)) };
  } catch (error) {
    const { code, message } = asCrewError(error);
    return { ok: false, code, error: message };
  }
}

async function answer(request: FileRequest, workspace: string, uploads: Uploads): Promise<Omit<ControlResponse, 'ok'>> {
  switch (request.type) {
    case 'put_file':
      await uploads.put(request);
      return {};
    case 'keep_files':
      return { kept: await uploads.keep(request.upload_ids) };
    case 'discard_files':
      await uploads.discard(request.upload_ids);
      return {};
    case 'list_folder':
      return { folder: await listFolder(workspace, request.path, request.offset) };
    case 'read_file':
      return { part: await readFilePart(workspace, request.path, request.offset, request.length) };
  }
}

function asCrewError(error: unknown): CrewError {
  if (error instanceof CrewError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (missing.includes(code)) return new CrewError('FILE_NOT_FOUND', 'file not found', { cause: error });
  const reason = reasons[code] ?? `the workspace cannot be used (${code || messageOf(error)})`;
  return new CrewError('WORKSPACE_UNAVAILABLE', reason, { cause: error });
}
