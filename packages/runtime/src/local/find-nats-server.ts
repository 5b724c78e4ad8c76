import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CrewError } from '@agentcrew/protocol';

/** Where package managers and `make demo` put it, besides PATH. */
const usualFolders = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/local/bin',
  '/opt/homebrew/bin',
  fileURLToPath(new URL('../../../../.tools/bin', import.meta.url)),
];

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/**
 * The nats-server to run.
 * @param wanted the one to take; absent: the first on PATH, then in the usual folders
 * @throws CrewError RUNTIME_FAILED, saying how to install it
 */
export async function findNatsServer(wanted: string | undefined, searchPath: string | undefined): Promise<string> {
  const folders = [...(searchPath ?? '').split(delimiter).filter(Boolean), ...usualFolders];
  for (const candidate of wanted ? [wanted] : folders.map((folder) => join(folder, 'nats-server'))) {
    if (await isExecutable(candidate)) return candidate;
  }
  const where = wanted ?? `PATH and ${usualFolders.join(', ')}`;
  throw new CrewError(
    'RUNTIME_FAILED',
    `nats-server was not found: looked in ${where}. Install it (Debian and Ubuntu: apt-get install nats-server; ` +
      'macOS: brew install nats-server; or a release from https://github.com/nats-io/nats-server), or set NATS_URL ' +
      'to use a server of your own.',
  );
}
