import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeBytes, encodeList, snappyCompress } from '../../src/codec/index.js';
import {
  BaseProtocol,
  DISCONNECT,
  decodeDisconnect,
  disconnectName,
  encodeDisconnect,
  encodeHello,
  type Frame,
  RlpxError,
} from '../../src/rlpx/index.js';
import { bytes, scalar, text } from '../support/crypto-values.js';
import { crypto } from '../support/rlpx-secrets.js';

const publicKey = crypto.publicKey(scalar(42));
const MIB = 1_024 * 1_024;

function frame(id: number, payload: Uint8Array = Uint8Array.of(0xc0)): Frame {
  return { id, payload, wireBytes: 64 + payload.length };
}

function helloOf(p2pVersion = 5, key = publicKey): Frame {
  const hello = { p2pVersion, clientId: 'peer', capabilities: [{ name: 'eth', version: 69 }], listenPort: 0 };
  return frame(0, encodeHello({ ...hello, publicKey: key }));
}

function protocol(ourVersion = 5): BaseProtocol {
  return new BaseProtocol({
    crypto,
    remotePublicKey: publicKey,
    capabilities: [
      { name: 'eth', version: 69, length: 18 },
      { name: 'snap', version: 1, length: 8 },
    ],
    p2pVersion: ourVersion,
    maxMessageBytes: 10 * MIB,
  });
}

function greeted(p2pVersion = 5): BaseProtocol {
  const made = protocol();
  made.receive(helloOf(p2pVersion));
  return made;
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof RlpxError) return error.code;
    throw error;
  }
  return 'nothing';
}

describe('Disconnect', () => {
  test('is written as a list of one', () => {
    expect(encodeDisconnect(4)).toEqual(bytes('c104'));
    expect(encodeDisconnect(0)).toEqual(bytes('c180'));
    expect(encodeDisconnect(0x81)).toEqual(bytes('c28181'));
    expect(codeOf(() => encodeDisconnect(256))).toBe('ERR_RLPX_ARGUMENT');
    expect(codeOf(() => encodeDisconnect(1.5))).toBe('ERR_RLPX_ARGUMENT');
  });

  test('F5: is read in every shape, and no shape throws', () => {
    const shapes: readonly (readonly [string, number])[] = [
      ['c104', 4],
      ['04', 4],
      ['c180', 0],
      ['80', 0],
      ['00', 0],
      ['c100', 0],
      ['c28110', 255],
      ['c281ff', 255],
      ['81ff', 255],
      ['c20405', 4],
      ['c10405', 4],
      ['', 255],
      ['c0', 255],
      ['c1', 255],
      ['c1c0', 255],
      ['c3820100', 255],
      ['820100', 255],
      ['c988ffffffffffffffff', 255],
      ['88ffffffffffffffff', 255],
      ['c98880000000000000ff', 255],
      ['f9ffff00', 255],
      ['bfffffffffffffffffff', 255],
    ];
    for (const [shape, reason] of shapes)
      expect([shape, decodeDisconnect(bytes(shape))]).toEqual([shape, reason]);
    expect(decodeDisconnect(encodeBytes(text('too many peers')))).toBe(255);
    for (let first = 0; first < 256; first++) {
      for (let second = 0; second < 256; second++) {
        const reason = decodeDisconnect(Uint8Array.of(first, second));
        expect(Number.isInteger(reason) && reason >= 0 && reason <= 255).toBe(true);
      }
    }
  });

  test('F5: every reason has a name', () => {
    expect(disconnectName(DISCONNECT.tooManyPeers)).toBe('too many peers');
    expect(disconnectName(77)).toBe('unknown (77)');
    expect(disconnectName(255)).toBe('unknown (255)');
    for (let reason = 0; reason < 256; reason++) expect(disconnectName(reason)).not.toBe('');
    expect(new Set(Object.values(DISCONNECT).map(disconnectName)).size).toBe(Object.keys(DISCONNECT).length);
  });

  test('F6: all reasons are read after Hello, compressed or not, as a list or bare', () => {
    for (let reason = 0; reason < 256; reason++) {
      const list = encodeDisconnect(reason);
      const bare = reason === 0 ? bytes('80') : encodeBytes(Uint8Array.of(reason));
      for (const payload of [list, bare, snappyCompress(list), snappyCompress(bare)]) {
        expect(greeted().receive(frame(1, payload))).toEqual({ is: 'disconnect', reason });
      }
    }
  });

  test('F6: instead of Hello it is never compressed', () => {
    expect(protocol().receive(frame(1, encodeDisconnect(4)))).toEqual({ is: 'disconnect', reason: 4 });
    expect(protocol().receive(frame(1, snappyCompress(encodeDisconnect(4))))).not.toEqual({
      is: 'disconnect',
      reason: 4,
    });
  });

  test('F5: a huge one, compressed or not, is read as unknown', () => {
    const huge = encodeList([encodeBytes(new Uint8Array(5 * MIB))]);
    expect(greeted().receive(frame(1, huge))).toEqual({ is: 'disconnect', reason: 255 });
    expect(greeted().receive(frame(1, snappyCompress(huge)))).toEqual({ is: 'disconnect', reason: 255 });
  });
});

describe('Hello', () => {
  test('comes first: anything else but Disconnect is a breach', () => {
    for (const id of [2, 3, 4, 15, 16, 17, 300, 0x989898]) {
      expect(codeOf(() => protocol().receive(frame(id)))).toBe('ERR_RLPX_HELLO_EXPECTED');
    }
  });

  test('E2, F8: comes once', () => {
    expect(codeOf(() => greeted().receive(helloOf()))).toBe('ERR_RLPX_HELLO_TWICE');
    expect(new RlpxError('ERR_RLPX_HELLO_TWICE').reason).toBe(2);
  });

  test('E1: names the key that was proven', () => {
    const other = crypto.publicKey(scalar(43));
    expect(codeOf(() => protocol().receive(helloOf(5, other)))).toBe('ERR_RLPX_IDENTITY');
  });

  test('shares what both speak', () => {
    const event = protocol().receive(helloOf());
    expect(event.is === 'hello' && event.shared).toEqual([
      { name: 'eth', version: 69, length: 18, offset: 16 },
    ]);
  });

  test('turns compression on where both versions are 5 or more', () => {
    expect(greeted(5).compressed).toBe(true);
    expect(greeted(22).compressed).toBe(true);
    expect(greeted(4).compressed).toBe(false);
    const old = protocol(4);
    old.receive(helloOf(5));
    expect(old.compressed).toBe(false);
    expect(protocol().compressed).toBe(false);
  });
});

describe('messages', () => {
  test('are led to their capability, with relative ids', () => {
    const body = snappyCompress(text('payload'));
    for (const [id, relative] of [
      [16, 0],
      [33, 17],
    ] as const) {
      const event = greeted().receive(frame(id, body));
      if (event.is !== 'message') throw new Error(event.is);
      expect(event.message.capability.name).toBe('eth');
      expect(event.message.id).toBe(relative);
      expect(event.message.wireBytes).toBe(64 + body.length);
      expect(event.message.declaredBytes).toBe(7);
      expect(event.message.payload(7)).toEqual(text('payload'));
      expect(event.message.payload(100)).toEqual(text('payload'));
    }
  });

  test('F3, F4: an id beyond everything shared is a breach, a reserved one is ignored', () => {
    for (const id of [34, 35, 255, 256, 2 ** 32 - 1]) {
      expect(codeOf(() => greeted().receive(frame(id)))).toBe('ERR_RLPX_MESSAGE_ID');
    }
    for (let id = 4; id < 16; id++) expect(greeted().receive(frame(id))).toEqual({ is: 'ignored' });
    expect(new RlpxError('ERR_RLPX_MESSAGE_ID').reason).toBe(2);
  });

  test('pings and pongs are known by their id, whatever they carry', () => {
    for (const payload of [bytes('c0'), bytes('80'), bytes(''), bytes('0100c0'), new Uint8Array(5_000)]) {
      expect(greeted().receive(frame(2, payload))).toEqual({ is: 'ping' });
      expect(greeted().receive(frame(3, payload))).toEqual({ is: 'pong' });
    }
  });

  test('without compression the payload is what stands in the frame', () => {
    const event = greeted(4).receive(frame(16, text('payload')));
    if (event.is !== 'message') throw new Error(event.is);
    expect(event.message.declaredBytes).toBe(7);
    expect(event.message.payload(7)).toEqual(text('payload'));
    expect(codeOf(() => event.message.payload(6))).toBe('ERR_RLPX_MESSAGE_SIZE');
    expect(codeOf(() => greeted(4).receive(frame(16, new Uint8Array(10 * MIB + 1))))).toBe(
      'ERR_RLPX_MESSAGE_SIZE',
    );
  });

  test('a message that yields far more than came can be opened in steps', () => {
    const content = new Uint8Array(MIB).fill(7);
    const received = (body: Uint8Array) => {
      const event = greeted().receive(frame(16, body));
      if (event.is !== 'message') throw new Error(event.is);
      return event.message;
    };
    const message = received(snappyCompress(content));
    expect(codeOf(() => message.open(MIB - 1, 1))).toBe('ERR_RLPX_MESSAGE_SIZE');
    expect([1, 2, 3, 4].map(() => message.open(MIB, MIB / 4))).toEqual([false, false, false, true]);
    expect(message.open(MIB, 1)).toBe(true);
    expect(message.payload(MIB)).toEqual(content);
    const half = received(snappyCompress(content));
    expect(half.open(MIB, MIB / 2)).toBe(false);
    expect(half.payload(MIB)).toEqual(content);
    const noise = Uint8Array.from({ length: 250 }, (_, i) => i);
    expect(received(snappyCompress(noise)).open(MIB, 1)).toBe(true);
    const bad = received(snappyCompress(content).slice(0, -1)); // seen with the last step
    expect(bad.open(MIB, MIB / 2)).toBe(false);
    expect(codeOf(() => bad.open(MIB, MIB / 2))).toBe('ERR_RLPX_SNAPPY');
  });

  test('E6, S1: a size that is not allowed or not possible is refused before anything is decompressed', () => {
    const declares = (...varint: readonly number[]): string =>
      codeOf(() => greeted().receive(frame(16, Uint8Array.of(...varint))));
    expect(declares(0x80, 0x80, 0x80, 0x80, 0x01, 0)).toBe('ERR_RLPX_SNAPPY'); // 256 MiB of one byte
    expect(declares(0xff, 0xff, 0xff, 0xff, 0x0f, 0)).toBe('ERR_RLPX_SNAPPY'); // 4 GiB
    expect(declares(0x80, 0x01)).toBe('ERR_RLPX_SNAPPY'); // 128 of nothing
    expect(declares(0x81, 0x00, 0)).toBe('ERR_RLPX_SNAPPY'); // longer than it need be
    expect(declares()).toBe('ERR_RLPX_SNAPPY');
    const zeros = snappyCompress(new Uint8Array(10 * MIB + 1));
    expect(codeOf(() => greeted().receive(frame(16, zeros)))).toBe('ERR_RLPX_MESSAGE_SIZE');
    expect(codeOf(() => greeted().receive(frame(16, snappyCompress(new Uint8Array(10 * MIB)))))).toBe(
      'nothing',
    );
  });

  test('E7, S2: content of another size than declared is refused when it is read', () => {
    const read = (body: Uint8Array): string =>
      codeOf(() => {
        const event = greeted().receive(frame(16, body));
        if (event.is === 'message') event.message.payload(1_000);
      });
    expect(read(Uint8Array.of(1, 4, 65, 66))).toBe('ERR_RLPX_SNAPPY'); // declares 1, has 2
    expect(read(Uint8Array.of(3, 4, 65, 66))).toBe('ERR_RLPX_SNAPPY'); // declares 3, has 2
    expect(read(Uint8Array.of(2, 4, 65, 66, 0))).toBe('ERR_RLPX_SNAPPY'); // bytes after the content
    expect(read(Uint8Array.of(4, 1, 0))).toBe('ERR_RLPX_SNAPPY'); // a copy from before the start
    expect(read(Uint8Array.of(2, 4, 65, 66))).toBe('nothing');
    expect(new RlpxError('ERR_RLPX_SNAPPY').reason).toBe(2);
  });

  test('S4: the head of a message is there without the rest, before the whole was read and after', () => {
    const content = Uint8Array.from({ length: 5_000 }, (_, i) => i);
    for (const protocol of [greeted(), greeted(4)]) {
      const event = protocol.receive(frame(16, protocol.compressed ? snappyCompress(content) : content));
      if (event.is !== 'message') throw new Error(event.is);
      expect(event.message.head(18)).toEqual(content.subarray(0, 18));
      event.message.payload(5_000);
      expect(event.message.head(18)).toEqual(content.subarray(0, 18));
    }
    const event = greeted().receive(frame(16, Uint8Array.of(18, 1, 0)));
    if (event.is !== 'message') throw new Error(event.is);
    const { message } = event;
    expect(codeOf(() => message.head(18))).toBe('ERR_RLPX_SNAPPY');
  });

  test('a message is refused above the cap of whoever reads it, without being decompressed', () => {
    const event = greeted().receive(frame(16, snappyCompress(new Uint8Array(5_000))));
    if (event.is !== 'message') throw new Error(event.is);
    const { message } = event;
    expect(codeOf(() => message.payload(4_999))).toBe('ERR_RLPX_MESSAGE_SIZE');
    expect(message.payload(5_000)).toHaveLength(5_000);
    expect(codeOf(() => message.payload(4_999))).toBe('ERR_RLPX_MESSAGE_SIZE');
  });
});

test('whatever bytes an authentic frame holds, the answer is an event or a breach', () => {
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.uint8Array({ maxLength: 300 }).map(snappyCompress),
  );
  const id = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
  fc.assert(
    fc.property(fc.boolean(), id, payload, (afterHello, messageId, content) => {
      const made = afterHello ? greeted() : protocol();
      try {
        const event = made.receive(frame(messageId, content));
        if (event.is === 'message') event.message.payload(10 * MIB);
      } catch (error) {
        if (!(error instanceof RlpxError)) throw error;
        expect(error.reason).toBeTypeOf('number');
      }
    }),
    { numRuns: 2_000 },
  );
});
