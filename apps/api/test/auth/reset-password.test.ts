import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openDatabase } from '@agentcrew/models';
import { temporaryFolder } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { owner, startLocalApp } from '../support/accounts.ts';

const program = fileURLToPath(new URL('../../src/reset-password.ts', import.meta.url));

test('an owner who has forgotten the password gets another one, while the server runs', async () => {
  await using folder = await temporaryFolder();
  const run = (...parameters: string[]) =>
    promisify(execFile)(process.execPath, [program, ...parameters], {
      env: { PATH: process.env.PATH, DATA_DIR: folder.path, SETTINGS_ENCRYPTION_KEY: 'only for a test' },
    });
  const db = openDatabase({ path: join(folder.path, 'agentcrew.db'), encryptionKey: 'only for a test' });
  await using app = await startLocalApp({ db });
  const ada = await owner(app);
  const { stdout } = await run(ada.email.toUpperCase());
  expect((await ada.client.get('/api/auth/me')).status).toBe(401);
  const login = { email: ada.email, password: stdout.trim() };
  expect((await app.client.post('/api/auth/login', login)).body).toMatchObject({ must_change_password: true });
  await expect(run('nobody@example.org')).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('nobody') });
  await expect(run()).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('usage') });
});

test('a folder in which no server has been is told, and left as it is', async () => {
  await using folder = await temporaryFolder();
  const env = { PATH: process.env.PATH, DATA_DIR: folder.path };
  const run = promisify(execFile)(process.execPath, [program, 'ada@example.org'], { env });
  await expect(run).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(`${folder.path}/agentcrew.db`) });
  expect(readdirSync(folder.path)).toEqual([]);
});
