import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, databasePath, listenOn, readConfig } from '@agentcrew/api/config.ts';
import { temporaryFolder } from '@agentcrew/testkit';
import { describe, expect, test } from 'vitest';

function problemsOf(env: Record<string, string>): string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('an empty environment is a usable one', () => {
  const config = readConfig({});
  expect(config).toMatchObject({
    LISTEN_ADDR: { host: '127.0.0.1', port: 8080 },
    WORKSPACE_ROOTS: [],
    CORS_ORIGINS: ['loopback'],
    LOG_LEVEL: 'info',
    DEPLOY_TIMEOUT: 300_000,
  });
  expect(listenOn(config)).toEqual({ host: '127.0.0.1', port: 8080 });
  expect(Object.isFrozen(config)).toBe(true);
});

test('an empty variable counts as absent', () => {
  expect(readConfig({ RUNTIME: '', PORT: '', ANTHROPIC_API_KEY: '', LISTEN_ADDR: '' })).toEqual(readConfig({}));
});

test('lists are separated by commas', () => {
  const { CORS_ORIGINS, WORKSPACE_ROOTS } = readConfig({
    CORS_ORIGINS: ' https://a.example , *,',
    WORKSPACE_ROOTS: '/a,/b',
  });
  expect({ CORS_ORIGINS, WORKSPACE_ROOTS }).toEqual({
    CORS_ORIGINS: ['https://a.example', '*'],
    WORKSPACE_ROOTS: ['/a', '/b'],
  });
});

test('nobody is asked who they are unless told otherwise; durations may be days', () => {
  expect(readConfig({})).toMatchObject({
    AUTH_PROVIDER: 'noop',
    MULTI_TENANT: true,
    JWT_ACCESS_EXPIRATION: 3_600_000,
    JWT_REFRESH_EXPIRATION: 604_800_000,
    TRUSTED_PROXIES: [],
  });
  const env = {
    AUTH_PROVIDER: 'local',
    MULTI_TENANT: 'true',
    JWT_SECRET: 'x'.repeat(32),
    JWT_ACCESS_EXPIRATION: '1h30m',
    JWT_REFRESH_EXPIRATION: '30d',
    TRUSTED_PROXIES: '10.0.0.0/8, ::1',
  };
  expect(readConfig(env)).toMatchObject({
    MULTI_TENANT: true,
    JWT_ACCESS_EXPIRATION: 5_400_000,
    JWT_REFRESH_EXPIRATION: 2_592_000_000,
    TRUSTED_PROXIES: ['10.0.0.0/8', '::1'],
  });
});

describe('where to listen', () => {
  test.each([
    [{ PORT: '9000' }, { host: '127.0.0.1', port: 9000 }],
    [{ LISTEN_ADDR: ':9000' }, { host: '::', port: 9000 }],
    [
      { LISTEN_ADDR: '0.0.0.0:1', PORT: '2' },
      { host: '0.0.0.0', port: 2 },
    ],
    [{ PORT: '0' }, { host: '127.0.0.1', port: 0 }],
  ])('%o', (env, address) => {
    expect(listenOn(readConfig(env))).toEqual(address);
  });
});

test('the database is in the data folder unless told otherwise', () => {
  expect(databasePath(readConfig({ DATA_DIR: '/d' }))).toBe('/d/agentcrew.db');
  expect(databasePath(readConfig({ DATA_DIR: '/d', DATABASE_PATH: '/e/x.db' }))).toBe('/e/x.db');
});

describe('a configuration that cannot be used', () => {
  test('is told with every problem at once: name, rule, value', () => {
    const problems = problemsOf({
      RUNTIME: 'cloud',
      PORT: 'x',
      LOG_LEVEL: 'loud',
      TURN_TIMEOUT: 'soon',
      LISTEN_ADDR: 'here',
    });
    expect(problems).toHaveLength(5);
    expect(problems.find((problem) => problem.startsWith('RUNTIME: '))).toContain('(got "cloud")');
    expect(problems.find((problem) => problem.startsWith('TURN_TIMEOUT: '))).toMatch(/duration.*"soon"/);
    expect(() => readConfig({ RUNTIME: 'cloud' })).toThrow(/not usable:\n {2}RUNTIME: /);
  });

  test.each([
    [{ PORT: '70000' }],
    [{ PORT: '-1' }],
    [{ PORT: '80.5' }],
    [{ AGENT_MAX_RESTARTS: '-1' }],
    [{ STREAM_MAX_BYTES: '1' }],
    [{ WS_MAX_CLIENTS: '0' }],
    [{ POST_ACTION_MAX_CONCURRENT: '0' }],
    [{ POST_ACTION_ALLOW_PRIVATE: 'localhost, 10.0.0.0/99' }],
    [{ ANTHROPIC_BASE_URL: 'not a url' }],
    [{ ANTHROPIC_BASE_URL: 'file:///etc/passwd' }],
    [{ IDLE_PARK_AFTER: '0s' }],
    [{ AUTH_PROVIDER: 'ldap' }],
    [{ MULTI_TENANT: 'perhaps' }],
    [{ JWT_SECRET: 'x'.repeat(31) }],
    [{ JWT_ACCESS_EXPIRATION: '8d' }],
    [{ TRUSTED_PROXIES: '10.0.0.0/33' }],
    [{ TRUSTED_PROXIES: 'proxy.example' }],
  ])('%o', (env) => {
    expect(problemsOf(env)).toEqual([expect.stringContaining(Object.keys(env)[0] ?? '?')]);
  });

  test('is told in words of ours', () => {
    const rule = 'must be an http or https URL (got "nowhere")';
    expect(problemsOf({ ANTHROPIC_BASE_URL: 'nowhere' })).toEqual([`ANTHROPIC_BASE_URL: ${rule}`]);
  });

  test('shows no secret', () => {
    const problems = problemsOf({ SETTINGS_ENCRYPTION_KEY: 'canary', JWT_SECRET: 'canary', RUNTIME: 'cloud' });
    expect(problems).toHaveLength(3);
    expect(problems.join()).not.toContain('canary');
  });
});

describe('secrets from files', () => {
  test('win over the variable, without the line end', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'key');
    writeFileSync(file, 'from the file\n');
    const config = readConfig({ ANTHROPIC_API_KEY: 'from the variable', ANTHROPIC_API_KEY_FILE: file });
    expect(config.ANTHROPIC_API_KEY).toBe('from the file');
  });

  test('must exist', () => {
    expect(problemsOf({ SETTINGS_ENCRYPTION_KEY_FILE: '/nowhere/key' })).toEqual([
      'SETTINGS_ENCRYPTION_KEY_FILE: there is no file /nowhere/key',
    ]);
  });

  test('that cannot be read are told with their name', async () => {
    await using folder = await temporaryFolder();
    expect(problemsOf({ NATS_URL_FILE: folder.path })).toEqual([expect.stringContaining('NATS_URL')]);
  });

  test('are for secrets alone', async () => {
    expect(readConfig({ RUNTIME_FILE: '/nowhere' })).toEqual(readConfig({}));
  });
});
