import { join } from 'node:path';
import {
  type AmbientCredentials,
  agentSettings,
  ambientCredentials,
  isCredential,
} from '@agentcrew/api/crew/credentials.ts';
import { type Database, defaultOrgId, openDatabase } from '@agentcrew/models';
import { temporaryFolder } from '@agentcrew/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { memoryDatabase } from '../support/rows.ts';

let db: Database;
beforeEach(() => {
  db = memoryDatabase();
});
afterEach(() => db[Symbol.dispose]());

function settings(stored: Record<string, string>, ambient: AmbientCredentials = {}) {
  for (const [key, value] of Object.entries(stored)) {
    db.settings.upsert(defaultOrgId, { key, value, is_secret: key.startsWith('SECRET') || isCredential(key) });
  }
  return agentSettings(db, defaultOrgId, ambient);
}

test('a key in the settings is used', () => {
  expect(settings({ ANTHROPIC_API_KEY: 'key' })).toEqual({ apiKey: 'key', env: {} });
});

test('one in the environment is used when the settings hold none', () => {
  expect(settings({}, { CLAUDE_CODE_OAUTH_TOKEN: 'token', ANTHROPIC_BASE_URL: 'http://model' })).toEqual({
    oauthToken: 'token',
    baseUrl: 'http://model',
    env: {},
  });
  expect(settings({}, { ANTHROPIC_AUTH_TOKEN: 'gateway' })).toMatchObject({ oauthToken: 'gateway' });
});

test("one in the environment is the first organisation's alone", () => {
  const { id } = db.organizations.insert({ name: 'Other', slug: 'other' });
  const ambient = { ANTHROPIC_API_KEY: 'theirs', ANTHROPIC_BASE_URL: 'http://model' };
  expect(() => agentSettings(db, id, ambient)).toThrow(
    /set ANTHROPIC_API_KEY .* on the Settings page .*}\), then deploy/,
  );
  db.settings.upsert(id, { key: 'ANTHROPIC_API_KEY', value: 'own', is_secret: true });
  expect(agentSettings(db, id, ambient)).toEqual({ apiKey: 'own', baseUrl: 'http://model', env: {} });
});

test('nothing else of the environment counts as a credential', () => {
  const environment = { ANTHROPIC_API_KEY: 'key', RUNTIME: 'kubernetes' };
  expect(ambientCredentials(environment)).toEqual({ ANTHROPIC_API_KEY: 'key' });
});

test('one in the settings hides all of the environment', () => {
  const found = settings(
    { ANTHROPIC_AUTH_TOKEN: 'mine' },
    { ANTHROPIC_API_KEY: 'theirs', CLAUDE_CODE_OAUTH_TOKEN: 'theirs' },
  );
  expect(found).toEqual({ oauthToken: 'mine', env: {} });
});

test('an empty one counts as none', () => {
  expect(settings({ ANTHROPIC_API_KEY: '' }, { ANTHROPIC_API_KEY: 'ambient' })).toMatchObject({ apiKey: 'ambient' });
});

test('settings that are not secret become environment, secrets and credentials do not', () => {
  const { env, model, baseUrl } = settings({
    ANTHROPIC_API_KEY: 'key',
    REGION: 'eu',
    EMPTY: '',
    SECRET_TOKEN: 'hidden',
    CLAUDE_MODEL: 'opus',
    ANTHROPIC_BASE_URL: 'http://mine',
  });
  expect(env).toMatchObject({ REGION: 'eu' });
  expect(Object.values(env)).not.toContain('hidden');
  expect(Object.values(env)).not.toContain('key');
  expect(env).not.toHaveProperty('EMPTY');
  expect({ model, baseUrl }).toEqual({ model: 'opus', baseUrl: 'http://mine' });
});

test('without any it is told what to set and where', () => {
  expect(() => settings({ REGION: 'eu' })).toThrow(
    expect.objectContaining({
      code: 'CREDENTIAL_MISSING',
      message: expect.stringMatching(/ANTHROPIC_API_KEY.*PUT \/api\/settings.*environment/),
    }),
  );
});

test('a credential that was sealed with another key is not passed over in silence', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'crew.db');
  using before = openDatabase({ path, encryptionKey: 'the first key' });
  before.settings.upsert(defaultOrgId, { key: 'ANTHROPIC_API_KEY', value: 'key', is_secret: true });
  using after = openDatabase({ path, encryptionKey: 'another key' });
  expect(() => agentSettings(after, defaultOrgId, { ANTHROPIC_API_KEY: 'theirs' })).toThrow(/cannot be decrypted/);
});
