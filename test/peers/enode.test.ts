import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesToHex, hexToBytes } from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import { formatEnode, formatIp, nodeId, PeerError, parseEnode, parseIp } from '../../src/peers/index.js';

/** The public key of secret key 1: the generator itself, as SEC 2 prints it. */
const KEY =
  '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798' +
  '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8';

function fault(text: string): string {
  try {
    parseEnode(text, nobleCrypto);
  } catch (error) {
    if (error instanceof PeerError && error.code === 'ERR_PEER_ENODE') return error.message;
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

describe('parseEnode', () => {
  test.each([
    [`enode://${KEY}@127.0.0.1:30303`, { host: '127.0.0.1', port: 30303, discoveryPort: 30303 }],
    [`enode://${KEY}@127.0.0.1:30303?discport=0`, { host: '127.0.0.1', port: 30303, discoveryPort: 0 }],
    [
      `enode://${KEY}@10.3.58.6:30303?discport=30301`,
      { host: '10.3.58.6', port: 30303, discoveryPort: 30301 },
    ],
    [`enode://${KEY}@[::1]:1`, { host: '::1', port: 1, discoveryPort: 1 }],
    [
      `enode://${KEY}@[2001:DB8:0:0:0:0:0:1]:65535`,
      { host: '2001:db8::1', port: 65535, discoveryPort: 65535 },
    ],
    [`enode://${KEY}@[::ffff:192.0.2.7]:30303`, { host: '192.0.2.7', port: 30303, discoveryPort: 30303 }],
    [
      `enode://${KEY}@Node-1.example.org:30303`,
      { host: 'node-1.example.org', port: 30303, discoveryPort: 30303 },
    ],
    [
      `ENODE://${KEY.toUpperCase()}@localhost:30303/`,
      { host: 'localhost', port: 30303, discoveryPort: 30303 },
    ],
  ])('reads %s', (text, expected) => {
    expect(parseEnode(text, nobleCrypto)).toEqual({ publicKey: hexToBytes(KEY), ...expected });
  });

  test.each([
    ['', 'does not begin with enode://'],
    ['enr:-IS4QHCYrYZbAKW', 'does not begin with enode://'],
    [`http://${KEY}@127.0.0.1:30303`, 'does not begin with enode://'],
    [`enode://${KEY}`, 'has no @host:port'],
    [`enode://${KEY}@`, 'has no port'],
    [`enode://${KEY}@127.0.0.1`, 'has no port'],
    [`enode://${KEY}@[::1]`, 'has no port'],
    [`enode://${KEY}@:30303`, 'has no host'],
    [`enode://${KEY.slice(2)}@127.0.0.1:30303`, 'the key has 126 hex digits'],
    [`enode://0x${KEY.slice(2)}@127.0.0.1:30303`, 'not hexadecimal'],
    [`enode://${'zz'.repeat(64)}@127.0.0.1:30303`, 'not hexadecimal'],
    [`enode://${'00'.repeat(64)}@127.0.0.1:30303`, 'not a point'],
    [`enode://${KEY.slice(0, 126)}b9@127.0.0.1:30303`, 'not a point'],
    [`enode://${KEY}@127.0.0.1:0`, 'port "0"'],
    [`enode://${KEY}@127.0.0.1:65536`, 'port "65536"'],
    [`enode://${KEY}@127.0.0.1:3030x`, 'port "3030x"'],
    [`enode://${KEY}@127.0.0.1:-1`, 'port "-1"'],
    [`enode://${KEY}@127.0.0.256:30303`, 'no IPv4 address'],
    [`enode://${KEY}@127.0.0.010:30303`, 'no IPv4 address'],
    [`enode://${KEY}@::1:30303`, 'needs brackets'],
    [`enode://${KEY}@[:::1]:30303`, 'no IPv6 address'],
    [`enode://${KEY}@[127.0.0.1]:30303`, 'no IPv6 address'],
    [`enode://${KEY}@exa mple:30303`, 'no host name'],
    [`enode://${KEY}@-a.example:30303`, 'no host name'],
    [`enode://${KEY}@127.0.0.1:30303?discport=x`, 'port "x"'],
    [`enode://${KEY}@127.0.0.1:30303?other=1`, 'does not know ?other=1'],
    [`enode://${KEY}@127.0.0.1:30303?discport=1?discport=2`, 'more than one ?'],
    [`enode://${KEY}@${'a'.repeat(600)}:30303`, 'longer than'],
  ])('says what is wrong with %s', (text, words) => {
    expect(fault(text)).toContain(words);
  });

  test('shows hostile text short and on one line', () => {
    const message = fault(`enode://\u001b[31m\n${'x'.repeat(400)}@h:1`);
    expect([...message].every((character) => character >= ' ')).toBe(true);
    expect(message.length).toBeLessThan(200);
  });

  test('any text ends in an enode or in PeerError', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (head, tail) => {
        for (const text of [
          head,
          `enode://${head}@${tail}`,
          `enode://${KEY}@${head}:30303`,
          `enode://${KEY}@h:${tail}`,
        ]) {
          try {
            parseEnode(text);
          } catch (error) {
            expect(error).toBeInstanceOf(PeerError);
          }
        }
      }),
    );
  });

  test('reads what formatEnode writes', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('localhost', 'a.b.example', 'geth_1'));
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
        host,
        fc.integer({ min: 1, max: 65535 }),
        fc.integer({ min: 0, max: 65535 }),
        (publicKey, name, port, discoveryPort) => {
          const ip = parseIp(name);
          const node = { publicKey, host: ip === undefined ? name : formatIp(ip), port, discoveryPort };
          expect(parseEnode(formatEnode(node))).toEqual(node);
        },
      ),
    );
  });
});

describe('IP addresses', () => {
  test.each([
    ['::', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['fe80:0:0:0:0:0:0:0', 'fe80::'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['::ffff:7f00:1', '127.0.0.1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ])('%s is written %s', (text, written) => {
    const ip = parseIp(text);
    expect(ip && formatIp(ip)).toBe(written);
  });

  test.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.1000',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    ':1',
    '1:',
    'fe80::1%eth0',
    '::1.2.3',
    '1.2.3.4::',
  ])('%j is none', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });
});

test('the node id is the Keccak-256 of the key', () => {
  // the address of secret key 1 is the well-known last 20 bytes of this hash
  expect(bytesToHex(nodeId(hexToBytes(KEY), nobleCrypto)).slice(24)).toBe(
    '7e5f4552091a69125d5dfcb7b8c2659029395bdf',
  );
});
