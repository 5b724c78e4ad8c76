import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { checkClaude } from '../src/index.ts';

test('the installed CLI can be run, and tells its version', async () => {
  expect(await checkClaude()).toMatch(/^\d+\.\d+\.\d+ \(Claude Code\)$/);
});

test('a CLI that is broken, or not there, is told with the reason', async () => {
  await using folder = await temporaryFolder();
  const broken = join(folder.path, 'claude');
  await writeFile(broken, '#!/bin/sh\nexit 3\n');
  await chmod(broken, 0o755);
  await expect(checkClaude(broken)).rejects.toMatchObject({
    code: 'CLI_FAILED',
    message: expect.stringMatching(/cannot be run: it ended with exit code 3/),
  });
  await expect(checkClaude(join(folder.path, 'nothing'))).rejects.toMatchObject({ code: 'CLI_FAILED' });
});
