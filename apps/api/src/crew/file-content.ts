import { CrewError, longestRead } from '@agentcrew/protocol';
import type { AgentFiles } from './agent-files.ts';

/**
 * Bytes of a file, read from the agent as fast as they are taken. A file that has grown since counts as it was; throws
 * WORKSPACE_UNAVAILABLE when it became shorter or another file took its place.
 */
export async function* fileContent(
  files: AgentFiles,
  file: { path: string; identity: string },
  offset: number,
  length: number,
): AsyncGenerator<Buffer> {
  for (let done = 0; done < length; ) {
    const part = await files.read(file.path, offset + done, Math.min(length - done, longestRead));
    const data = Buffer.from(part.data, 'base64');
    if (part.identity !== file.identity || data.length === 0) {
      throw new CrewError('WORKSPACE_UNAVAILABLE', 'the file has changed while it was read');
    }
    yield data;
    done += data.length;
  }
}
