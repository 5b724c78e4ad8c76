import { join } from 'node:path';
import { temporaryFolder } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { takeExclusiveLock } from '../src/index.ts';

test('a lock has one holder at a time', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'lock');
  const held = takeExclusiveLock(path);
  expect(held).toBeDefined();
  expect(takeExclusiveLock(path)).toBeUndefined();
  held?.[Symbol.dispose]();
  using again = takeExclusiveLock(path);
  expect(again).toBeDefined();
});
