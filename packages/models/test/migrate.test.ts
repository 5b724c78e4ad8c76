import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from '@agentcrew/testkit';
import { expect, test } from 'vitest';

const source = fileURLToPath(new URL('../src/index.ts', import.meta.url));
const openAndReport = `
  const { openDatabase } = await import(${JSON.stringify(source)});
  using db = openDatabase({ path: process.argv[1], encryptionKey: 'k' });
  console.log(db.teams.all().length);`;

test('servers started at once on a new file create its tables once', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'crew.db');
  const open = () =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', openAndReport, path], { timeout: 60_000 });
  const outputs = await Promise.all([open(), open(), open(), open()]);
  expect(outputs.map(({ stdout }) => stdout.trim())).toEqual(['0', '0', '0', '0']);
});
