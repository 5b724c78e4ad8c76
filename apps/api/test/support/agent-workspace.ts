import { join } from 'node:path';
import type { ControlRequest, ControlResponse } from '@agentcrew/protocol';
import { temporaryFolder } from '@agentcrew/testkit';
import { answerFiles } from '../../../sidecar/src/files/answer.ts';
import { Uploads } from '../../../sidecar/src/files/uploads.ts';

/** A real folder and what a sidecar answers to requests about it. */
export async function agentWorkspace() {
  const folder = await temporaryFolder();
  const uploads = new Uploads({ workspace: folder.path, agent: 'Lead' });
  return {
    path: folder.path,
    in: (path: string) => join(folder.path, path),
    async answer(request: ControlRequest): Promise<ControlResponse> {
      switch (request.type) {
        case 'put_file':
        case 'keep_files':
        case 'discard_files':
        case 'list_folder':
        case 'read_file':
          return answerFiles(request, folder.path, uploads);
        default:
          return { ok: true };
      }
    },
    async [Symbol.asyncDispose]() {
      await uploads.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
