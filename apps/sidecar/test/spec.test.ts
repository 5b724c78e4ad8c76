import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@agentcrew/testkit';
import { expect, test } from 'vitest';
import { ConfigError, readConfig } from '../src/config.ts';
import { prepareFolders } from '../src/folders.ts';
import { readSpec } from '../src/spec.ts';
import { spec } from './fakes.ts';

function problemsOf(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('every problem of the environment is told', () => {
  const problems = problemsOf(() => readConfig({ LOG_LEVEL: 'loud' }));
  expect(problems.map((problem) => problem.split(':')[0])).toEqual(['AGENT_SPEC_FILE', 'LOG_LEVEL']);
});

test('a spec is read, and must be that of the marked process', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'spec.json');
  await writeFile(file, JSON.stringify(spec()));
  expect(readSpec(readConfig({ AGENT_SPEC_FILE: file, AGENTCREW_AGENT: 'unit/crew/lead' })).team).toBe('crew');
  const other = () => readSpec(readConfig({ AGENT_SPEC_FILE: file, AGENTCREW_AGENT: 'unit/crew/other' }));
  expect(problemsOf(other)).toEqual([expect.stringContaining('unit/crew/lead')]);
});

test('problems name the field and never a secret', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'spec.json');
  const config = readConfig({ AGENT_SPEC_FILE: file });
  await writeFile(file, JSON.stringify({ ...spec(), team: 'no good', secrets: { anthropic_api_key: ['sk-canary'] } }));
  const problems = problemsOf(() => readSpec(config));
  expect(problems.map((problem) => problem.split(':')[0])).toEqual(['team', 'secrets.anthropic_api_key']);
  expect(problems.join()).not.toContain('canary');
  await writeFile(file, '{"secrets": {"anthropic_api_key": sk-canary');
  expect(problemsOf(() => readSpec(config)).join()).toMatch(/not valid JSON$/);
  expect(problemsOf(() => readSpec(readConfig({ AGENT_SPEC_FILE: '/nowhere' }))).join()).toContain('ENOENT');
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
