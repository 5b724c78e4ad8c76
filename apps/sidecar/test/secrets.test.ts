import { expect, test } from 'vitest';
import { takeSecrets, withSecrets } from '../src/secrets.ts';
import { spec } from './fakes.ts';

test('secrets are taken out of the environment, nothing else is', () => {
  const environment = {
    PATH: '/bin',
    NATS_TOKEN: 'token',
    ANTHROPIC_API_KEY: 'key',
    CLAUDE_CODE_OAUTH_TOKEN: '',
    NATS_PORT: '4222',
  };
  expect(takeSecrets(environment)).toEqual({ nats_token: 'token', anthropic_api_key: 'key' });
  expect(environment).toEqual({ PATH: '/bin', NATS_PORT: '4222' });
  expect(takeSecrets(environment)).toEqual({});
});

test('they complete a spec that has none, and replace none', () => {
  const taken = { nats_token: 'taken', anthropic_api_key: 'taken' };
  expect(withSecrets(spec(), taken).secrets).toEqual(taken);
  const own = { anthropic_api_key: 'own', claude_code_oauth_token: 'own' };
  expect(withSecrets(spec({ secrets: own }), taken).secrets).toEqual({ nats_token: 'taken', ...own });
  expect(withSecrets(spec({ secrets: own }), {}).secrets).toEqual(own);
});
