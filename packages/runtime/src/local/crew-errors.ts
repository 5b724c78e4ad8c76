import { CrewError, messageOf } from '@agentcrew/protocol';
import { storageError } from './private-files.ts';

const storageCodes = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT']);

/** Whatever fails inside crosses the package's border as a CrewError. */
export async function crewErrors<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof CrewError) throw error;
    if (error instanceof Error && 'code' in error && storageCodes.has(String(error.code))) {
      throw storageError('path' in error ? String(error.path) : '', error);
    }
    throw new CrewError('RUNTIME_FAILED', messageOf(error), { cause: error });
  }
}
