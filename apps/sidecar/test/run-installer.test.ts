import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, waitFor } from '@agentcrew/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { installerEnvironment } from '../src/skills/environment.ts';
import { runInstaller } from '../src/skills/run-installer.ts';
import { spec } from './fakes.ts';

/** Runs the installer with a script in place of npx. */
async function run(script: string, { timeoutMs = 30_000, signal = new AbortController().signal } = {}) {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  writeFileSync(join(folder.path, 'npx'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder.path, 'npx'), 0o755);
  const groups: (number | undefined)[] = [];
  const result = await runInstaller({
    skill: { repo_url: 'https://github.com/o/r', skill_name: 'alpha' },
    folder: folder.path,
    environment: { PATH: `${folder.path}:${process.env.PATH}` },
    timeoutMs,
    onGroup: (group) => groups.push(group),
    signal,
  });
  return { ...result, groups, path: folder.path };
}
const isAlive = (pid: string) => existsSync(`/proc/${pid}`) && !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

test('gets the arguments of the skill, in its folder, and what it prints is kept without colours', async () => {
  const { output, problem, groups, path } = await run(`pwd; echo "$@"; printf '\\033[31mred\\033[0m' >&2`);
  expect(problem).toBeUndefined();
  expect(output).toContain('--yes skills add https://github.com/o/r --skill alpha --agent claude-code -y');
  expect(output).toContain(path);
  expect(output).toContain('red');
  expect(output).not.toContain('\u001B');
  expect(groups).toEqual([expect.any(Number), undefined]);
});

test('of much output the end is kept', async () => {
  const { output } = await run('i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done');
  expect(output.length).toBeLessThanOrEqual(64 * 1024);
  expect(output.trim().endsWith('line 19999')).toBe(true);
});

test('a failure is told with its last line', async () => {
  const hint = 'npm error A complete log of this run can be found in: x';
  expect(await run(`echo one; echo no such skill; echo '${hint}'; exit 7`)).toMatchObject({
    output: `one\nno such skill\n${hint}\n`,
    problem: 'The installer ended with exit code 7: no such skill',
  });
});

test('a failure is told with the line that says what is wrong, where others follow', async () => {
  expect(await run('echo "■  No matching skills"; echo "- alpha"; exit 1')).toMatchObject({
    problem: 'The installer ended with exit code 1: No matching skills',
  });
});

test('what takes too long is ended with all that it started', async () => {
  const { problem, output } = await run('sleep 600 & echo $!; wait', { timeoutMs: 300 });
  expect(problem).toBe('The installer did not end within 0.3 s.');
  await waitFor('the child to end', () => !isAlive(output.trim()));
});

test('what it leaves behind does not hold it up, and is ended', async () => {
  const { problem, output } = await run('sleep 600 & echo $!');
  expect(problem).toBeUndefined();
  await waitFor('the child to end', () => !isAlive(output.trim()));
});

test('ends with the agent', async () => {
  expect(await run('sleep 600', { signal: AbortSignal.abort() })).toMatchObject({
    problem: 'The agent was shut down meanwhile.',
  });
});

test('a missing installer is a failure like others', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const result = await runInstaller({
    skill: { repo_url: 'https://github.com/o/r', skill_name: 'alpha' },
    folder: folder.path,
    environment: { PATH: folder.path },
    timeoutMs: 30_000,
    onGroup: () => undefined,
    signal: new AbortController().signal,
  });
  expect(result.problem).toContain('cannot be run');
});

test('its environment has the way to the network, and no other setting, and no secret', () => {
  const environment = installerEnvironment(
    spec({
      env: {
        HTTPS_PROXY: 'http://proxy',
        npm_config_registry: 'http://mirror',
        NODE_OPTIONS: '--evil',
        PATH: '/evil',
        DB: 'x',
      },
      secrets: { anthropic_api_key: 'sk-canary', nats_token: 'nats-canary' },
    }),
  );
  expect(environment).toMatchObject({
    HTTPS_PROXY: 'http://proxy',
    npm_config_registry: 'http://mirror',
    PATH: process.env.PATH,
  });
  expect(environment).toMatchObject({ HOME: '/state/home', AGENTCREW_AGENT: 'unit/crew/lead' });
  expect(JSON.stringify(environment)).not.toMatch(/canary|evil/);
  expect(environment).not.toHaveProperty('DB');
});
