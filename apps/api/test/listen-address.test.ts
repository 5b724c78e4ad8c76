import { isLoopback, listenAddressSchema, parseListenAddress } from '@agentcrew/api/listen-address.ts';
import { expect, test } from 'vitest';

test.each([
  [':8080', { host: '', port: 8080 }],
  ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  ['localhost:65535', { host: 'localhost', port: 65_535 }],
  ['[::1]:8080', { host: '::1', port: 8080 }],
  ['[::]:1', { host: '::', port: 1 }],
  [' 0.0.0.0:80 ', { host: '0.0.0.0', port: 80 }],
])('%j is an address', (text, address) => {
  expect(parseListenAddress(text)).toEqual(address);
  expect(listenAddressSchema.parse(text)).toEqual(address);
});

test.each(['', '8080', 'localhost', ':', ':x', ':65536', '::1:8080', 'a:b:1', '[::1]', 'http://x:1', ':-1'])(
  '%j is none',
  (text) => {
    expect(parseListenAddress(text)).toBeUndefined();
    expect(listenAddressSchema.safeParse(text).success).toBe(false);
  },
);

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['localhost', true],
  ['::1', true],
  ['', false],
  ['::', false],
  ['0.0.0.0', false],
  ['192.168.0.1', false],
  ['127.evil.example', false],
  ['localhost.evil.example', false],
])('%j can be reached by this machine alone: %s', (host, alone) => {
  expect(isLoopback(host)).toBe(alone);
});
