import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { openDatabase } from '@agentcrew/models';
import { messageOf } from '@agentcrew/protocol';
import { createPasswords } from './auth/passwords.ts';
import { databasePath, readConfig } from './config.ts';
import { encryptionKey } from './data-dir.ts';

/**
 * Gives a user a temporary password, for an owner who has forgotten theirs: nobody can do that over the API. Run on the
 * server's machine with its environment; the server may be running.
 */
async function resetPassword(address: string): Promise<string> {
  const config = readConfig(process.env);
  const path = databasePath(config);
  if (!existsSync(path)) throw new Error(`there is no database ${path}: set DATA_DIR as it is for the server`);
  using db = openDatabase({
    path,
    encryptionKey: encryptionKey(resolve(config.DATA_DIR), config.SETTINGS_ENCRYPTION_KEY),
  });
  const user = db.users.byEmail(address.trim().toLowerCase());
  if (!user) throw new Error(`nobody has the address ${address}`);
  const temporary = randomBytes(16).toString('base64url');
  const password_hash = await createPasswords().hash(temporary);
  db.transaction(() => {
    db.users.update(user.id, { password_hash, must_change_password: true, token_epoch: user.token_epoch + 1 });
    db.refreshTokens.revokeOfUser(user.id);
  });
  return temporary;
}

const [address] = process.argv.slice(2);
try {
  if (!address) throw new Error('usage: node apps/api/src/reset-password.ts EMAIL');
  process.stdout.write(`${await resetPassword(address)}\n`);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}
