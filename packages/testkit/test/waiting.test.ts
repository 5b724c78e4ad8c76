import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { latch, temporaryFolder, waitFor } from '../src/index.ts';

test('waitFor returns the first value, and outlives checks that throw', async () => {
  let calls = 0;
  const value = await waitFor('the third call', () => {
    calls++;
    if (calls === 1) throw new Error('not yet');
    return calls === 3 && { calls };
  });
  expect(value).toEqual({ calls: 3 });
});

test('waitFor names what it waited for', async () => {
  await expect(waitFor('a miracle', () => undefined, { timeoutMs: 30 })).rejects.toThrow(/a miracle/);
});

test('a latch opens once', async () => {
  const { promise, open } = latch<number>();
  open(1);
  open(2);
  expect(await promise).toBe(1);
});

test('a temporary folder goes with everything in it', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder.path, 'file'), 'x');
  await folder[Symbol.asyncDispose]();
  expect(existsSync(folder.path)).toBe(false);
});
