import { describe, expect, test } from 'vitest';
import { concatBytes, encodeBytes, encodeList, encodeUint } from '../../src/codec/index.js';
import { decodeHello, encodeHello, type Hello, RlpxError } from '../../src/rlpx/index.js';
import { ownHello } from '../../src/rlpx/own-hello.js';
import { hex, scalar, text } from '../support/crypto-values.js';
import { crypto } from '../support/rlpx-secrets.js';
import { eip8 } from '../support/rlpx-vectors.js';

const publicKey = crypto.publicKey(scalar(42));
const ours: Hello = {
  p2pVersion: 5,
  clientId: 'rlpxd/v1.2.3/linux-x64/node20.1.0',
  capabilities: [
    { name: 'eth', version: 68 },
    { name: 'eth', version: 69 },
  ],
  listenPort: 30_303,
  publicKey,
};

/** A Hello of given items, right where none is given. */
function hello(changes: {
  readonly version?: Uint8Array;
  readonly client?: Uint8Array;
  readonly caps?: Uint8Array;
  readonly port?: Uint8Array;
  readonly key?: Uint8Array;
  readonly tail?: readonly Uint8Array[];
}): Uint8Array {
  return encodeList([
    changes.version ?? encodeUint(5),
    changes.client ?? encodeBytes(text('peer/1')),
    changes.caps ?? caps(['eth', 69]),
    changes.port ?? encodeUint(0),
    encodeBytes(changes.key ?? publicKey),
    ...(changes.tail ?? []),
  ]);
}

function caps(...items: readonly (readonly [string, number | bigint])[]): Uint8Array {
  return encodeList(
    items.map(([name, version]) => encodeList([encodeBytes(text(name)), encodeUint(version)])),
  );
}

function codeOf(payload: Uint8Array): string {
  try {
    decodeHello(payload);
  } catch (error) {
    if (error instanceof RlpxError) return error.code;
    throw error;
  }
  return 'read';
}

describe('Hello', () => {
  test('reads the vector of EIP-8: a later version and elements nobody knows', () => {
    const read = decodeHello(eip8.hello_v22_extra);
    expect(read.p2pVersion).toBe(0x37);
    expect(read.clientId).toBe('kneth/v0.91/plan9');
    expect(read.capabilities).toEqual([
      { name: 'eth', version: 61 },
      { name: 'mork', version: 22 },
    ]);
    expect(read.listenPort).toBe(9_999);
    expect(hex(read.publicKey)).toMatch(/^fda1cff674c90c9a197539fe3dfb5308/);
  });

  test('reads what it wrote', () => {
    expect(decodeHello(encodeHello(ours))).toEqual(ours);
  });

  test('does not write one above 2 KiB', () => {
    expect(() => encodeHello({ ...ours, clientId: 'x'.repeat(2_000) })).toThrow(RlpxError);
  });

  test('the key is memory of its own', () => {
    const payload = encodeHello(ours);
    const read = decodeHello(payload);
    payload.fill(0);
    expect(hex(read.publicKey)).toBe(hex(publicKey));
  });

  test('bytes after the list are left alone (EIP-8)', () => {
    expect(codeOf(concatBytes([hello({}), text('future')]))).toBe('read');
  });

  test('what is no Hello is one error', () => {
    const broken = {
      nothing: new Uint8Array(0),
      string: encodeBytes(text('hello')),
      emptyList: encodeList([]),
      cut: hello({}).subarray(0, 50),
      capsNoList: hello({ caps: encodeUint(1) }),
      capNoList: hello({ caps: encodeList([encodeUint(1)]) }),
      capWithoutVersion: hello({ caps: encodeList([encodeList([encodeBytes(text('eth'))])]) }),
      versionList: hello({ version: encodeList([]) }),
      versionNotCanonical: hello({ version: Uint8Array.of(0x82, 0, 5) }),
      versionOf9Bytes: hello({ version: encodeBytes(new Uint8Array(9).fill(1)) }),
      above2KiB: hello({ client: encodeBytes(new Uint8Array(2_000).fill(65)) }),
    };
    for (const [name, payload] of Object.entries(broken))
      expect([name, codeOf(payload)]).toEqual([name, 'ERR_RLPX_HELLO']);
  });

  test('F9: a key of 0, 2, 63, 65 or 128 bytes, or of zeros, is no identity', () => {
    for (const length of [0, 2, 63, 65, 128]) {
      expect(codeOf(hello({ key: new Uint8Array(length).fill(7) }))).toBe('ERR_RLPX_IDENTITY');
    }
    expect(codeOf(hello({ key: new Uint8Array(64) }))).toBe('ERR_RLPX_IDENTITY');
    expect(new RlpxError('ERR_RLPX_IDENTITY').reason).toBe(9);
  });

  test('F10: an empty client name is fine', () => {
    expect(decodeHello(hello({ client: encodeBytes(new Uint8Array(0)) })).clientId).toBe('');
  });

  test('F11: names that nobody can share are left out, the rest is kept in order', () => {
    const offered = caps(
      ['__proto__', 1],
      ['eth', 69],
      ['', 1],
      ['aNameOf9c', 1],
      ['tab\t', 1],
      ['é', 1],
      ['snap', 1],
    );
    expect(decodeHello(hello({ caps: offered })).capabilities).toEqual([
      { name: 'eth', version: 69 },
      { name: 'snap', version: 1 },
    ]);
  });

  test('F11: versions up to 2^64 − 1 are read, those that no one has are left out', () => {
    const offered = caps(['eth', 2n ** 64n - 1n], ['eth', 2n ** 32n], ['eth', 2n ** 32n - 1n], ['eth', 69]);
    expect(decodeHello(hello({ caps: offered })).capabilities).toEqual([
      { name: 'eth', version: 2 ** 32 - 1 },
      { name: 'eth', version: 69 },
    ]);
    expect(
      codeOf(
        hello({
          caps: encodeList([encodeList([encodeBytes(text('eth')), encodeBytes(new Uint8Array(9).fill(1))])]),
        }),
      ),
    ).toBe('ERR_RLPX_HELLO');
  });

  test('F11: no more than 64 capabilities are looked at', () => {
    const many = Array.from({ length: 400 }, (_, i) => ['a', i % 100] as const);
    expect(decodeHello(hello({ caps: caps(...many) })).capabilities).toHaveLength(64);
  });

  test('a client name cannot carry escape sequences', () => {
    const client = encodeBytes(concatBytes([text('peer\u001b[2J\r\n\u202ename'), Uint8Array.of(0xff)]));
    expect(decodeHello(hello({ client })).clientId).toBe('peer\ufffd[2J\ufffd\ufffd\ufffdname\ufffd');
  });

  test('large versions and ports are not cut into small ones', () => {
    const read = decodeHello(
      hello({ version: encodeUint(2n ** 64n - 1n), port: encodeUint(65_536 + 30_303) }),
    );
    expect(read.p2pVersion).toBe(Number.MAX_SAFE_INTEGER);
    expect(read.listenPort).toBe(0);
  });
});

describe('our own Hello', () => {
  const { capabilities } = ours;
  test.each<[string, Partial<Hello>]>([
    ['name', { clientId: 'other' }],
    ['port', { listenPort: 1 }],
    ['key', { publicKey: crypto.publicKey(scalar(43)) }],
    ['version', { p2pVersion: 4 }],
    ['capabilities, one more', { capabilities: [...capabilities, { name: 'snap', version: 1 }] }],
    ['capabilities, one less', { capabilities: capabilities.slice(1) }],
    ['capabilities, another', { capabilities: [{ name: 'eth', version: 70 }, ...capabilities.slice(1)] }],
  ])('is encoded once, and anew with another %s', (_what, change) => {
    const once = ownHello(ours);
    expect(ownHello({ ...ours, capabilities: [...capabilities] })).toBe(once);
    expect(once).toEqual(encodeHello(ours));
    expect(ownHello({ ...ours, ...change })).toEqual(encodeHello({ ...ours, ...change }));
    expect(ownHello(ours)).toEqual(once);
  });

  test('does not follow a list of capabilities that is changed afterwards', () => {
    const mine = [{ name: 'eth', version: 69 }];
    ownHello({ ...ours, capabilities: mine });
    mine[0] = { name: 'eth', version: 70 };
    expect(ownHello({ ...ours, capabilities: mine })).toEqual(encodeHello({ ...ours, capabilities: mine }));
  });
});
