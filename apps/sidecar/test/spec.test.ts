import { existsSync } from 'node:fs';
import { rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { ConfigError, readConfig } from '../src/config.ts';
import { prepareFolders } from '../src/folders.ts';
import { readSpec } from '../src/spec.ts';
import { spec } from './fakes.ts';

function problemsIn(error: unknown): string[] {
  if (error instanceof ConfigError) return error.problems;
  throw error;
}

function problemsOf(work: () => unknown): string[] {
  try {
    work();
    return [];
  } catch (error) {
    return problemsIn(error);
  }
}

test('every problem of the environment is told', () => {
  const problems = problemsOf(() => readConfig({ LOG_LEVEL: 'loud' }));
  expect(problems.map((problem) => problem.split(':')[0])).toEqual(['AGENT_SPEC_FILE', 'LOG_LEVEL']);
});

/** Writes the spec's file and reads it, which deletes the file. */
async function problemsReading(file: string, text: string, environment: Record<string, string> = {}) {
  await writeFile(file, text);
  const config = readConfig({ AGENT_SPEC_FILE: file, ...environment });
  return await readSpec(config).then(() => [], problemsIn);
}

test('a spec is read, and must be that of the marked process', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'spec.json');
  expect(await problemsReading(file, JSON.stringify(spec()), { AGENTCREW_AGENT: 'unit/crew/lead' })).toEqual([]);
  const problems = await problemsReading(file, JSON.stringify(spec()), { AGENTCREW_AGENT: 'unit/crew/other' });
  expect(problems).toEqual([expect.stringContaining('unit/crew/lead')]);
});

test('a spec that comes later is waited for, and deleted once it is read', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'spec.json');
  const reading = readSpec(readConfig({ AGENT_SPEC_FILE: file }));
  await writeFile(`${file}.new`, JSON.stringify(spec()));
  await rename(`${file}.new`, file);
  expect((await reading).team).toBe('crew');
  expect(existsSync(file)).toBe(false);
});

test('a link to a spec stays', async () => {
  await using folder = await temporaryFolder();
  const [file, link] = [join(folder.path, 'spec.json'), join(folder.path, 'link.json')];
  await writeFile(file, JSON.stringify(spec()));
  await symlink(file, link);
  expect((await readSpec(readConfig({ AGENT_SPEC_FILE: link }))).team).toBe('crew');
  expect([existsSync(file), existsSync(link)]).toEqual([true, true]);
});

test('problems name the field and never a secret', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'spec.json');
  const wrong = { ...spec(), team: 'no good', secrets: { anthropic_api_key: ['sk-canary'] } };
  const problems = await problemsReading(file, JSON.stringify(wrong));
  expect(problems.map((problem) => problem.split(':')[0])).toEqual(['team', 'secrets.anthropic_api_key']);
  expect(problems.join()).not.toContain('canary');
  expect((await problemsReading(file, '{"secrets": {"anthropic_api_key": sk-canary')).join()).toMatch(
    /not valid JSON$/,
  );
  const absent = readSpec(readConfig({ AGENT_SPEC_FILE: '/nowhere' }), 100).then(() => [], problemsIn);
  expect((await absent).join()).toContain('ENOENT');
});

test('folders are created, the state for nobody else; what cannot be is told', async () => {
  await using folder = await temporaryFolder();
  const [state_dir, workspace] = [join(folder.path, 'state'), join(folder.path, 'work')];
  prepareFolders({ state_dir, workspace });
  expect((await stat(state_dir)).mode & 0o777).toBe(0o700);
  await writeFile(join(folder.path, 'file'), '');
  const hopeless = () => prepareFolders({ state_dir, workspace: join(folder.path, 'file', 'work') });
  expect(problemsOf(hopeless)).toEqual([expect.stringMatching(/^workspace: .* cannot be written to \(ENOTDIR\)$/)]);
});
