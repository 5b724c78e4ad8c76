import { createAddressGuard, isHostOrNetwork } from '@agentcrew/api/crew/post-actions/address-guard.ts';
import { describe, expect, test } from 'vitest';

const special = [
  ['unspecified', '0.0.0.0'],
  ['this network', '0.1.2.3'],
  ['private', '10.0.0.1'],
  ['private', '10.255.255.255'],
  ['private', '172.16.0.1'],
  ['private', '172.31.255.255'],
  ['private', '192.168.0.1'],
  ['CGNAT', '100.64.0.1'],
  ['CGNAT', '100.127.255.255'],
  ['loopback', '127.0.0.1'],
  ['loopback', '127.255.255.254'],
  ['link-local', '169.254.0.1'],
  ['metadata of clouds', '169.254.169.254'],
  ['protocols', '192.0.0.8'],
  ['tests', '192.0.2.1'],
  ['tests', '198.18.0.1'],
  ['tests', '198.51.100.1'],
  ['tests', '203.0.113.1'],
  ['6to4 relays', '192.88.99.1'],
  ['multicast', '224.0.0.1'],
  ['multicast', '239.255.255.255'],
  ['reserved', '240.0.0.1'],
  ['broadcast', '255.255.255.255'],
  ['unspecified', '::'],
  ['loopback', '::1'],
  ['loopback', '0:0:0:0:0:0:0:1'],
  ['unique-local', 'fc00::1'],
  ['unique-local', 'fd12:3456::1'],
  ['metadata of clouds', 'fd00:ec2::254'],
  ['link-local', 'fe80::1'],
  ['link-local with a zone', 'fe80::1%eth0'],
  ['site-local', 'fec0::1'],
  ['multicast', 'ff02::1'],
  ['discard', '100::1'],
  ['documentation', '2001:db8::1'],
  ['documentation', '3fff::1'],
  ['Teredo', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
  ['6to4 of a private address', '2002:a00:1::1'],
  ['mapped loopback', '::ffff:127.0.0.1'],
  ['mapped loopback', '::ffff:7f00:1'],
  ['mapped private', '::ffff:10.0.0.1'],
  ['mapped metadata', '::ffff:a9fe:a9fe'],
  ['mapped, written out', '0:0:0:0:0:ffff:c0a8:1'],
  ['compatible', '::10.0.0.1'],
  ['NAT64 of a private address', '64:ff9b::a00:1'],
  ['local NAT64', '64:ff9b:1::1'],
  ['no address', 'localhost'],
  ['no address', ''],
  ['no address', '127.1'],
] as const;

const open = [
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.1',
  '169.253.255.255',
  '172.15.255.255',
  '172.32.0.0',
  '192.167.255.255',
  '192.169.0.0',
  '223.255.255.255',
  '2606:4700:4700::1111',
  '2a00:1450:4001:830::200e',
];

describe('without exceptions', () => {
  const guard = createAddressGuard([]);
  test.each(special)('%s is refused: %s', (_what, address) => {
    expect(guard.allows('example.org', address)).toBe(false);
  });
  test.each(open)('%s is allowed', (address) => {
    expect(guard.allows('example.org', address)).toBe(true);
  });
});

describe('listed', () => {
  const guard = createAddressGuard(['sink.internal', '127.0.0.1', '10.1.0.0/16', 'fd00::/8', '::1']);
  test.each([
    ['sink.internal', '192.168.7.7', true],
    ['SINK.internal', 'fe80::1', true],
    ['sink.internal.example.org', '192.168.7.7', false],
    ['other.internal', '192.168.7.7', false],
    ['localhost', '127.0.0.1', true],
    ['127.0.0.1', '127.0.0.1', true],
    ['localhost', '127.0.0.2', false],
    ['localhost', '::ffff:127.0.0.1', true],
    ['localhost', '::ffff:127.0.0.2', false],
    ['localhost', '::1', true],
    ['a', '10.1.255.255', true],
    ['a', '10.2.0.0', false],
    ['a', 'fd12::1', true],
    ['a', 'fc12::1', false],
    ['a', 'not an address', false],
  ])('%s at %s: %s', (host, address, allowed) => {
    expect(guard.allows(host, address)).toBe(allowed);
  });
});

test.each([
  ['localhost', true],
  ['sink.internal', true],
  ['Sink_1.internal', true],
  ['127.0.0.1', true],
  ['10.0.0.0/8', true],
  ['::1', true],
  ['fd00::/8', true],
  ['10.0.0.0/33', false],
  ['10.0.0.0/', false],
  ['10.0.0.0/8/8', false],
  ['10.0.0/8', false],
  ['fd00::/129', false],
  ['fe80::1%eth0', false],
  ['127.1', false],
  ['0x7f000001', false],
  ['http://sink', false],
  ['sink:8080', false],
  ['sink/path', false],
  ['*', false],
  ['a b', false],
])('%s can be listed: %s', (text, can) => {
  expect(isHostOrNetwork(text)).toBe(can);
});
