import { chmod, chown, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { removePath } from '../src/local/private-files.ts';

const nobody = 65_534;

/** For root every folder is writable: so the work is done as somebody else. */
async function asNobody(work: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return await work();
  process.seteuid?.(nobody);
  try {
    await work();
  } finally {
    process.seteuid?.(0);
  }
}

test('a folder goes with what is in folders that are not writable', async () => {
  await using folder = await temporaryFolder();
  const team = join(folder.path, 'team');
  const module = join(team, 'go', 'mod');
  await mkdir(module, { recursive: true });
  await writeFile(join(module, 'go.mod'), '');
  if (process.getuid?.() === 0) {
    for (const path of [folder.path, team, join(module, '..'), module, join(module, 'go.mod')]) {
      await chown(path, nobody, nobody);
    }
  }
  await chmod(module, 0o555);
  await asNobody(async () => removePath(team));
  expect(await readdir(folder.path)).toEqual([]);
});

test('what is not there need not be removed', async () => {
  await using folder = await temporaryFolder();
  await removePath(join(folder.path, 'absent'));
});
