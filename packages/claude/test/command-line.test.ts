import { expect, test } from 'vitest';
import { buildArguments } from '../src/command-line.ts';
import { buildEnvironment } from '../src/environment.ts';
import type { ClaudeOptions } from '../src/index.ts';

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

test('the environment is built from scratch; additions cannot change what the CLI or its tools rest on', () => {
  const env = buildEnvironment({
    ...options,
    apiKey: 'secret-key',
    env: {
      AGENTCREW_AGENT: 'a',
      HTTPS_PROXY: 'http://proxy',
      PATH: '/evil',
      HOME: '/evil',
      LD_PRELOAD: '/evil',
      NODE_OPTIONS: '--require /evil',
      ANTHROPIC_BASE_URL: 'http://evil',
      CLAUDE_CODE_DISABLE_FILE_MENTIONS: '0',
      CLAUDE_CONFIG_DIR: '/evil',
      BASH_ENV: '/evil',
    },
  });
  expect(env).toMatchObject({ AGENTCREW_AGENT: 'a', HTTPS_PROXY: 'http://proxy', PATH: process.env.PATH });
  expect(JSON.stringify(env)).not.toMatch(/evil|secret-key/);
  expect(env).toMatchObject({ HOME: '/home/agent', CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR: '3' });
  expect(env).not.toHaveProperty('ANTHROPIC_BASE_URL');
  expect(env).not.toHaveProperty('VITEST');
});

test('the command line', () => {
  const args = buildArguments({ ...options, model: 'opus' }, '--resume', '/config/instructions.txt');
  expect(args).toEqual(
    expect.arrayContaining(['--resume', options.sessionId, '--model', 'opus', '--tools', 'Bash,Read']),
  );
  expect(args[args.indexOf('--setting-sources') + 1]).toBe('');
  expect(buildArguments({ ...options, tools: [] }, '--session-id', '/i')).not.toContain('--model');
});
