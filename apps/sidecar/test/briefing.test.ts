import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@agentcrew/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { Briefing } from '../src/briefing.ts';

async function place() {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return (instructions: string) => new Briefing({ state_dir: folder.path, instructions });
}

test('says what the spec says until the server says something else', async () => {
  const start = await place();
  const briefing = start('first');
  expect(briefing.options().instructions).toBe('first');
  expect(briefing.instruct('first')).toBe(false);
  expect(briefing.instruct('second')).toBe(true);
  expect(briefing.options().instructions).toBe('second');
});

test('a process with the same spec goes on with the newer text, one with another spec does not', async () => {
  const start = await place();
  start('first').instruct('second');
  expect(start('first').options().instructions).toBe('second');
  expect(start('third').options().instructions).toBe('third');
  expect(start('first').options().instructions).toBe('first');
});

test('what was stored and cannot be read counts as nothing', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const file = join(folder.path, 'briefing.json');
  writeFileSync(file, '{"replaces":');
  const spec = { state_dir: folder.path, instructions: 'first' };
  expect(new Briefing(spec).options().instructions).toBe('first');
  expect(() => readFileSync(file)).toThrow('ENOENT');
});
