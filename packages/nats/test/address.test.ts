import { CrewError } from '@agentcrew/protocol';
import { describe, expect, test } from 'vitest';
import { serverAddress } from '../src/address.ts';

const nobody = { user: undefined, pass: undefined, token: undefined };

describe('serverAddress', () => {
  test.each([
    ['nats://127.0.0.1:4333', { hostPort: '127.0.0.1:4333', tls: false, ...nobody }],
    ['nats://example.test', { hostPort: 'example.test:4222', tls: false, ...nobody }],
    ['localhost:4222', { hostPort: 'localhost:4222', tls: false, ...nobody }],
    ['nats://[::1]:4333', { hostPort: '[::1]:4333', tls: false, ...nobody }],
    ['tls://example.test:4222', { hostPort: 'example.test:4222', tls: true, ...nobody }],
    ['nats://me:p%40ss@h:1', { hostPort: 'h:1', tls: false, user: 'me', pass: 'p@ss', token: undefined }],
    ['nats://s3cret@h:1', { hostPort: 'h:1', tls: false, user: undefined, pass: undefined, token: 's3cret' }],
  ])('reads %s', (url, expected) => {
    expect(serverAddress({ url })).toEqual(expected);
  });

  test('prefers the credentials of the options to those of the URL', () => {
    const url = 'nats://me:pass@h:1';
    expect(serverAddress({ url, user: 'red', token: 't' })).toMatchObject({ user: 'red', pass: 't', token: undefined });
    expect(serverAddress({ url, token: 't' })).toMatchObject({ user: undefined, pass: undefined, token: 't' });
  });

  test.each(['', 'nats://', 'nats://me:s3cret-pass@:x', 'nats://me:s3cret-pass@host:99999'])(
    'refuses "%s" without repeating it',
    (url) => {
      const refused = () => serverAddress({ url });
      expect(refused).toThrow(CrewError);
      expect(refused).toThrow(/URL of NATS is not valid/);
      expect(refused).not.toThrow(/s3cret/);
    },
  );

  test('takes a password with a bare percent sign as it stands', () => {
    expect(serverAddress({ url: 'nats://me:100%@h:1' })).toMatchObject({ user: 'me', pass: '100%' });
  });
});
