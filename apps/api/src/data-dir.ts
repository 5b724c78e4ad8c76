import { randomBytes, randomUUID } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { takeExclusiveLock } from '@agentcrew/models';
import { CrewError, messageOf } from '@agentcrew/protocol';

/**
 * Creates the data folder (0700) when missing and checks that it can be written.
 * @throws CrewError STORAGE_UNAVAILABLE that says which folder and why.
 */
export function openDataDir(path: string): void {
  try {
    createFolder(path);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new CrewError(
      'STORAGE_UNAVAILABLE',
      `The data directory ${path} cannot be used: ${messageOf(error)}. Make it writable or set DATA_DIR to another folder.`,
      { cause: error },
    );
  }
}

/**
 * Claims the data folder for this server as long as the process lives: two servers would deploy, deliver and sweep
 * against each other.
 * @throws CrewError STORAGE_UNAVAILABLE when another server has it.
 */
export function claimDataDir(path: string): Disposable {
  const lock = takeExclusiveLock(join(path, 'server.lock'));
  if (lock) return lock;
  throw new CrewError(
    'STORAGE_UNAVAILABLE',
    `The data directory ${path} is in use by another server. Stop that one, or set DATA_DIR to another folder.`,
  );
}

/** Level by level: Node's own `recursive` never returns for a folder below `/proc`. */
function createFolder(path: string): void {
  if (existsSync(path)) return;
  createFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/** What the server marks its processes and containers with: generated once, then kept in the data folder. */
export function instanceId(dataDir: string): string {
  return readOrCreate(join(dataDir, 'instance-id'), () => randomUUID());
}

/** The passphrase for settings at rest: the configured one, else one generated once (0600). */
export function encryptionKey(dataDir: string, configured: string | undefined): string {
  return configured ?? readOrCreate(join(dataDir, 'settings.key'), () => randomBytes(32).toString('base64url'));
}

/** What access tokens are signed with: the configured secret, else one generated once (0600). */
export function jwtSecret(dataDir: string, configured: string | undefined): string {
  return configured ?? readOrCreate(join(dataDir, 'jwt.key'), () => randomBytes(32).toString('base64url'));
}

/** The folder in which files that clients send wait until they are in a workspace; what is left of an earlier server goes. */
export function emptyReceivedFolder(dataDir: string): string {
  const path = join(dataDir, 'received');
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { mode: 0o700 });
  return path;
}

function readOrCreate(path: string, create: () => string): string {
  try {
    writeFileSync(path, `${create()}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return readFileSync(path, 'utf8').trim();
}
