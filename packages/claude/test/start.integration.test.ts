import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@agentcrew/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { type ClaudeOptions, findClaude, startClaude } from '../src/index.ts';

const options: ClaudeOptions = {
  cwd: '/',
  configDir: '/config',
  home: '/home/agent',
  sessionId: 'b3b6c3a2-0000-4000-8000-000000000000',
  instructions: '',
  tools: ['Bash', 'Read'],
  env: {},
  decide: async () => ({ behavior: 'deny', message: 'no' }),
  onEvent: () => {},
};

/** A program in place of the CLI, written in JavaScript. */
async function fakeCli(script: string) {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const executable = join(folder.path, 'claude');
  const program = join(folder.path, 'claude.mjs');
  await writeFile(program, script);
  // Not the program itself with Node in its first line: that line cannot hold a path with blanks.
  await writeFile(executable, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
  await chmod(executable, 0o755);
  return { ...options, executable, cwd: folder.path, configDir: join(folder.path, 'config') };
}

test('finds the CLI of this workspace', () => {
  expect(findClaude()).toMatch(/claude/);
});

test('a CLI that is not there', async () => {
  const place = await fakeCli('');
  const missing = startClaude({ ...place, executable: '/nowhere/claude' });
  await expect(missing).rejects.toMatchObject({ code: 'CLI_NOT_FOUND' });
});

test('a workspace that is not there', async () => {
  const place = await fakeCli('');
  await expect(startClaude({ ...place, cwd: '/nowhere' })).rejects.toMatchObject({ code: 'CLI_FAILED' });
});

test('a CLI that ends at once: the error has its last words', async () => {
  const place = await fakeCli(`console.error('first\\nbad flag'); process.exit(3)`);
  await expect(startClaude(place)).rejects.toMatchObject({
    code: 'CLI_FAILED',
    message: 'The Claude Code CLI ended (exit code 3): bad flag',
  });
});

test('a CLI that says nothing in time is ended, with force when it must be', async () => {
  const place = await fakeCli(`process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)`);
  const started = startClaude({ ...place, startTimeoutMs: 300 });
  await expect(started).rejects.toMatchObject({ code: 'CLI_FAILED', message: expect.stringContaining('initialize') });
});

test('lines that are no JSON are told, and harm nothing', async () => {
  const place = await fakeCli(`
    console.log('warning: not json');
    process.stdin.on('data', (line) => {
      const { request_id } = JSON.parse(line);
      console.log(JSON.stringify({ type: 'control_response', response: { subtype: 'success', request_id } }));
    }).on('end', () => process.exit(0));
  `);
  const events: unknown[] = [];
  const cli = await startClaude({ ...place, onEvent: (event) => events.push(event) });
  await cli[Symbol.asyncDispose]();
  expect(events[0]).toEqual({ type: 'other', line: { type: 'unreadable', text: 'warning: not json' } });
  expect(await cli.exited).toEqual({ exitCode: 0, signal: undefined, stderr: '' });
});
