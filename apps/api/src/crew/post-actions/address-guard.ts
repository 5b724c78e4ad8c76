import { BlockList, isIP } from 'node:net';

/** Says which addresses may be connected to. */
export interface AddressGuard {
  /** `host` is what the URL says, `address` what is connected to because of it. */
  allows(host: string, address: string): boolean;
}

/** IPv4 networks that are nobody's on the internet: private, loopback, link-local, CGNAT, tests, multicast, reserved. */
const special4 = networks('ipv4', [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]);

/**
 * Where IPv6 has its public addresses. Outside are loopback, unique-local, link-local and multicast ones, and those that
 * stand for IPv4 (`::ffff:0:0/96`, `64:ff9b::/96`).
 */
const global6 = networks('ipv6', ['2000::/3']);

/** What lies within it and is special: protocols, Teredo, documentation, and 6to4, which stands for IPv4. */
const special6 = networks('ipv6', ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']);

function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !special4.check(address, 'ipv4');
  return isIP(address) === 6 && global6.check(address, 'ipv6') && !special6.check(address, 'ipv6');
}

/** Public addresses, and whatever `allowPrivate` lists: host names, addresses, networks as `10.1.0.0/16`. */
export function createAddressGuard(allowPrivate: string[]): AddressGuard {
  const hosts = new Set(allowPrivate.map((text) => text.toLowerCase()));
  const listed = new BlockList();
  for (const text of allowPrivate) {
    const network = parseNetwork(text);
    if (network) listed.addSubnet(network.address, network.bits, network.family);
  }
  return {
    allows(host, address) {
      if (hosts.has(host.toLowerCase()) || isPublic(address)) return true;
      return isIP(address) !== 0 && listed.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
    },
  };
}

/** Whether the text is a host name, an address or a network. */
export function isHostOrNetwork(text: string): boolean {
  if (parseNetwork(text)) return true;
  return /^[\w.-]+$/.test(text) && URL.parse(`http://${text}`)?.hostname === text.toLowerCase();
}

interface Network {
  address: string;
  bits: number;
  family: 'ipv4' | 'ipv6';
}

/** A single address is a network of its own. */
function parseNetwork(text: string): Network | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || address.includes('%') || rest.length > 0) return undefined;
  const most = version === 4 ? 32 : 128;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined;
  const bits = length === undefined ? most : Number(length);
  return bits > most ? undefined : { address, bits, family: version === 4 ? 'ipv4' : 'ipv6' };
}

function networks(family: 'ipv4' | 'ipv6', texts: string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', bits] = text.split('/');
    list.addSubnet(address, Number(bits), family);
  }
  return list;
}
