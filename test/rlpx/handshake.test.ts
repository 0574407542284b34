import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, encodeBytes, encodeList, encodeUint } from '../../src/codec/index.js';
import { nobleCrypto, nodeCrypto, type RlpxCrypto } from '../../src/crypto/index.js';
import {
  deriveSecrets,
  eciesSeal,
  Handshake,
  type HandshakeOptions,
  MIN_ACK_BYTES,
  MIN_AUTH_BYTES,
  openAck,
  openAuth,
  RlpxError,
  sealAck,
  sealAuth,
} from '../../src/rlpx/index.js';
import { seededRandom } from '../../src/runtime/index.js';
import { hex, N, P, point, scalar, text, word } from '../support/crypto-values.js';
import { rememberingCrypto } from '../support/rlpx-crypto.js';
import { eip8 } from '../support/rlpx-vectors.js';

const random = seededRandom('handshake');
const keysA = { ephemeralKey: eip8.keys.ephemeral_key_a, nonce: eip8.keys.nonce_a };
const keysB = { ephemeralKey: eip8.keys.ephemeral_key_b, nonce: eip8.keys.nonce_b };

function partyA(crypto: RlpxCrypto): { crypto: RlpxCrypto; random: typeof random; secretKey: Uint8Array } {
  return { crypto, random, secretKey: eip8.keys.static_key_a };
}

function partyB(crypto: RlpxCrypto): { crypto: RlpxCrypto; random: typeof random; secretKey: Uint8Array } {
  return { crypto, random, secretKey: eip8.keys.static_key_b };
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

describe.each([
  ['noble', nobleCrypto],
  ['node', nodeCrypto()],
] as const)('EIP-8 vectors on %s', (_name, crypto) => {
  const publicKeyA = crypto.publicKey(eip8.keys.static_key_a);
  const publicKeyB = crypto.publicKey(eip8.keys.static_key_b);

  test.each(['eip8_v4', 'eip8_v56_extra'] as const)('opens auth %s', (name) => {
    const opened = openAuth(partyB(crypto), eip8.auth[name]);
    expect(hex(opened.publicKey)).toBe(hex(publicKeyA));
    expect(hex(opened.nonce)).toBe(hex(eip8.keys.nonce_a));
    expect(hex(opened.ephemeralPublicKey)).toBe(hex(crypto.publicKey(eip8.keys.ephemeral_key_a)));
  });

  test.each(['eip8_v4', 'eip8_v57_extra'] as const)('opens ack %s', (name) => {
    const opened = openAck(partyA(crypto), eip8.ack[name]);
    expect(hex(opened.nonce)).toBe(hex(eip8.keys.nonce_b));
    expect(hex(opened.ephemeralPublicKey)).toBe(hex(crypto.publicKey(eip8.keys.ephemeral_key_b)));
  });

  test('derives the secrets and MAC states of the recipient', () => {
    const transcript = {
      role: 'recipient',
      ephemeralShared: crypto.ecdh(eip8.keys.ephemeral_key_b, crypto.publicKey(eip8.keys.ephemeral_key_a)),
      initiatorNonce: eip8.keys.nonce_a,
      recipientNonce: eip8.keys.nonce_b,
      auth: eip8.auth.eip8_v4,
      ack: eip8.ack.eip8_v4,
    } as const;
    const secrets = deriveSecrets(crypto, transcript);
    const wanted = eip8.derived_from_auth_eip8_v4_ack_eip8_v4;
    expect(hex(secrets.aes)).toBe(hex(wanted.aes_secret));
    expect(hex(secrets.mac)).toBe(hex(wanted.mac_secret));
    secrets.ingressMac.update(text('foo'));
    expect(hex(secrets.ingressMac.digest())).toBe(hex(wanted.ingress_mac_of_B_updated_with_ascii_foo));
    const dialling = deriveSecrets(crypto, { ...transcript, role: 'initiator' });
    dialling.egressMac.update(text('foo'));
    expect(hex(dialling.egressMac.digest())).toBe(hex(wanted.ingress_mac_of_B_updated_with_ascii_foo));
  });

  test('the whole initiator reads the vector ack and derives what the recipient would', () => {
    const handshake = new Handshake({
      ...partyA(crypto),
      role: 'initiator',
      remotePublicKey: publicKeyB,
      keys: keysA,
    });
    handshake.start();
    const result = handshake.push(concatBytes([eip8.ack.eip8_v4, Uint8Array.of(1, 2, 3)]));
    expect(hex(result?.secrets.aes ?? text('none'))).toBe(
      hex(eip8.derived_from_auth_eip8_v4_ack_eip8_v4.aes_secret),
    );
    expect(hex(result?.rest ?? text('none'))).toBe('010203');
    expect(result?.reply).toBeUndefined();
  });

  test('a handshake that failed, or gave its result, has nothing more to give', () => {
    const damaged = eip8.auth.eip8_v4.slice();
    damaged[200] = 255 - (damaged[200] ?? 0);
    const failed = new Handshake({ ...partyB(crypto), role: 'recipient', keys: keysB });
    expect(codeOf(() => failed.push(damaged))).toBe('ERR_RLPX_AUTH');
    expect(codeOf(() => failed.push(damaged))).toBe('ERR_RLPX_STATE');
    const through = new Handshake({ ...partyB(crypto), role: 'recipient', keys: keysB });
    expect(through.push(eip8.auth.eip8_v4)?.remotePublicKey).toEqual(publicKeyA);
    expect(codeOf(() => through.push(eip8.auth.eip8_v4))).toBe('ERR_RLPX_STATE');
  });

  test('a handshake in pieces gives what one in one piece gives', () => {
    const [whole, inPieces] = [true, false].map((atOnce) => {
      const handshake = new Handshake({ ...partyB(crypto), role: 'recipient', keys: keysB });
      const rest = handshake.gather(concatBytes([eip8.auth.eip8_v4, Uint8Array.of(7)])) ?? text('none');
      if (atOnce) return handshake.complete(rest);
      let result = handshake.step(rest);
      let steps = 1;
      for (; result === undefined; steps++) result = handshake.step(rest);
      expect(steps).toBe(4);
      return result;
    });
    const { aes, mac } = whole?.secrets ?? {};
    expect(inPieces).toMatchObject({ rest: Uint8Array.of(7), secrets: { aes, mac } });
    expect(inPieces?.remotePublicKey).toEqual(publicKeyA);
  });

  test('the form of before EIP-8 is refused in both roles', () => {
    const recipient = new Handshake({ ...partyB(crypto), role: 'recipient', keys: keysB });
    expect(recipient.push(eip8.auth.plain_v4)).toBeUndefined(); // it reads as a size of 1,164, so 859 bytes are missing
    expect(codeOf(() => recipient.push(new Uint8Array(2_000)))).toBe('ERR_RLPX_AUTH');
    const initiator = new Handshake({
      ...partyA(crypto),
      role: 'initiator',
      remotePublicKey: publicKeyB,
      keys: keysA,
    });
    initiator.start();
    expect(initiator.push(eip8.ack.plain_v4)).toBeUndefined();
    expect(codeOf(() => initiator.push(new Uint8Array(2_000)))).toBe('ERR_RLPX_AUTH');
  });
});

const crypto = rememberingCrypto();
const publicKeyA = crypto.publicKey(eip8.keys.static_key_a);
const publicKeyB = crypto.publicKey(eip8.keys.static_key_b);

/** Both ends, fresh, with the same random bytes each time. */
function bothEnds(seed: string): { initiator: Handshake; recipient: Handshake } {
  const common = { crypto, random: seededRandom(seed) };
  return {
    initiator: new Handshake({
      ...common,
      role: 'initiator',
      secretKey: eip8.keys.static_key_a,
      remotePublicKey: publicKeyB,
    }),
    recipient: new Handshake({ ...common, role: 'recipient', secretKey: eip8.keys.static_key_b }),
  };
}

describe('Handshake', () => {
  test('both ends agree on secrets, MACs and the shared id, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 40 }), (cuts) => {
        const { initiator, recipient } = bothEnds('agree');
        const auth = initiator.start() ?? new Uint8Array(0);
        const there = inPieces(recipient, auth, cuts);
        const back = inPieces(initiator, there.reply ?? new Uint8Array(0), cuts);
        expect(hex(back.sharedId)).toBe(hex(there.sharedId));
        expect(back.sharedId).toHaveLength(16);
        expect(hex(back.secrets.aes)).toBe(hex(there.secrets.aes));
        expect(hex(back.secrets.mac)).toBe(hex(there.secrets.mac));
        expect(hex(back.secrets.egressMac.digest())).toBe(hex(there.secrets.ingressMac.digest()));
        expect(hex(back.secrets.ingressMac.digest())).toBe(hex(there.secrets.egressMac.digest()));
        expect(hex(back.remotePublicKey)).toBe(hex(publicKeyB));
        expect(hex(there.remotePublicKey)).toBe(hex(publicKeyA));
      }),
      { numRuns: 100 },
    );
  });

  test('the shared id is the head of keccak256(initiator nonce ‖ recipient nonce)', () => {
    const recipient = new Handshake({ ...partyB(crypto), role: 'recipient', keys: keysB });
    const result = recipient.push(eip8.auth.eip8_v4);
    const wanted = crypto.keccak256(concatBytes([eip8.keys.nonce_a, eip8.keys.nonce_b]));
    expect(hex(result?.sharedId ?? text('none'))).toBe(hex(wanted.slice(0, 16)));
  });

  test('padding is 100 to 199 random bytes, so that sizes differ between connections', () => {
    const sizes = new Set<number>();
    for (let i = 0; i < 40; i++) {
      const auth = sealAuth({ ...partyA(crypto), random: seededRandom(i) }, keysA, publicKeyB);
      sizes.add(auth.length - 2 - MIN_AUTH_BYTES);
    }
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(100);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(199);
    expect(sizes.size).toBeGreaterThan(20);
    const sizeWith = (unit: number): number => {
      const drawn = { ...random, bytes: (length: number) => random.bytes(length), unit: () => unit };
      return sealAuth({ ...partyA(crypto), random: drawn }, keysA, publicKeyB).length - 2 - MIN_AUTH_BYTES;
    };
    expect([sizeWith(0), sizeWith(1 - 2 ** -32)]).toEqual([100, 199]);
  });

  test('what stands behind the message in its chunk is handed back in both roles', () => {
    const { initiator, recipient } = bothEnds('rest');
    const behind = Uint8Array.of(1, 2, 3);
    const there = recipient.push(concatBytes([initiator.start() ?? behind, behind]));
    expect(there?.rest).toEqual(behind);
    expect(initiator.push(concatBytes([there?.reply ?? behind, behind]))?.rest).toEqual(behind);
  });

  test('keys that are none are refused at once', () => {
    const base = { crypto, random, role: 'initiator' } as const;
    const refused = (options: Partial<HandshakeOptions>): string =>
      codeOf(() => new Handshake({ ...base, secretKey: scalar(5), remotePublicKey: publicKeyB, ...options }));
    expect(refused({})).toBe('nothing');
    expect(refused({ secretKey: scalar(0) })).toBe('ERR_RLPX_ARGUMENT');
    expect(refused({ secretKey: new Uint8Array(31) })).toBe('ERR_RLPX_ARGUMENT');
    expect(refused({ remotePublicKey: undefined })).toBe('ERR_RLPX_ARGUMENT');
    expect(refused({ remotePublicKey: new Uint8Array(64) })).toBe('ERR_RLPX_ARGUMENT');
    expect(refused({ role: 'recipient', remotePublicKey: undefined })).toBe('nothing');
  });
});

describe('hostile handshakes', () => {
  test('H1, H3: an initiator key off the curve, zero or beyond the field ends in ERR_RLPX_AUTH', () => {
    for (const key of [
      new Uint8Array(64),
      point(1n, 1n),
      point(P, 1n),
      point(1n, P),
      new Uint8Array(64).fill(255),
    ]) {
      expect(codeOf(() => recipientReads(authWith({ publicKey: key })))).toBe('ERR_RLPX_AUTH');
    }
    expect(codeOf(() => recipientReads(authWith({})))).toBe('nothing');
  });

  test('H1, H3: an ephemeral key of the recipient that is no point ends in ERR_RLPX_AUTH', () => {
    const ack = (key: Uint8Array): Uint8Array =>
      sealed(publicKeyA, [encodeBytes(key), encodeBytes(keysB.nonce), encodeUint(4)]);
    for (const key of [new Uint8Array(64), point(5n, 5n), point(P, 1n)]) {
      expect(codeOf(() => openAck(partyA(crypto), ack(key)))).toBe('ERR_RLPX_AUTH');
    }
    expect(codeOf(() => openAck(partyA(crypto), ack(publicKeyB)))).toBe('nothing');
  });

  test('H5, H6: a size prefix that cannot be is refused at its second byte, and nothing more is held', () => {
    const refused = { initiator: 0, recipient: 0 };
    for (let size = 0; size <= 0xffff; size += size < 2_100 ? 1 : 211) {
      for (const role of ['initiator', 'recipient'] as const) {
        const handshake = bothEnds('sizes')[role];
        expect(handshake.push(Uint8Array.of(size >> 8))).toBeUndefined();
        const least = role === 'initiator' ? MIN_ACK_BYTES : MIN_AUTH_BYTES;
        const code = codeOf(() => handshake.push(Uint8Array.of(size & 0xff)));
        expect(code).toBe(size < least || size > 2_048 ? 'ERR_RLPX_AUTH_SIZE' : 'nothing');
        if (code !== 'nothing') refused[role]++;
        expect(handshake.bufferedBytes).toBe(2);
      }
    }
    expect([MIN_AUTH_BYTES, MIN_ACK_BYTES]).toEqual([282, 215]);
    expect(refused.recipient - refused.initiator).toBe(282 - 215);
  });

  test('H6: at most 2,050 bytes are held, and what follows is handed back', () => {
    const recipient = bothEnds('held').recipient;
    recipient.push(Uint8Array.of(2_048 >> 8, 2_048 & 0xff));
    recipient.push(new Uint8Array(2_047));
    expect(recipient.bufferedBytes).toBe(2_049);
    expect(codeOf(() => recipient.push(new Uint8Array(100_000)))).toBe('ERR_RLPX_AUTH');
    expect(recipient.bufferedBytes).toBe(2_050);
  });

  test('H2, H12: bad point, tag, RLP, nonce and signature are one error with one text', () => {
    const badTag = authWith({});
    badTag[badTag.length - 1] = (badTag[badTag.length - 1] as number) ^ 1;
    const badPoint = authWith({});
    badPoint.fill(0, 3, 67);
    const inputs = {
      badTag,
      badPoint,
      notAList: sealed(publicKeyB, [], () => new Uint8Array(200).fill(7)),
      cutList: sealed(publicKeyB, [], () => Uint8Array.of(0xf9, 0xff, 0xff, ...new Uint8Array(200))),
      noItems: sealed(publicKeyB, [], () => Uint8Array.of(0xc0, ...new Uint8Array(200))),
      shortNonce: authWith({ nonce: new Uint8Array(31) }),
      longNonce: authWith({ nonce: new Uint8Array(33) }),
      shortSignature: authWith({ signature: new Uint8Array(64) }),
      noVersion: authWith({ tail: [] }),
      zeroR: authWith({ signature: concatBytes([word(0n), word(5n), Uint8Array.of(0)]) }),
      zeroS: authWith({ signature: concatBytes([word(5n), word(0n), Uint8Array.of(0)]) }),
      bigR: authWith({ signature: concatBytes([word(N), word(5n), Uint8Array.of(0)]) }),
      bigS: authWith({ signature: concatBytes([word(5n), word(N), Uint8Array.of(0)]) }),
      badRecoveryId: authWith({ recoveryId: 4 }),
      worstRecoveryId: authWith({ recoveryId: 255 }),
    };
    for (const [name, auth] of Object.entries(inputs)) {
      let error: unknown;
      try {
        recipientReads(auth);
      } catch (thrown) {
        error = thrown;
      }
      expect(error, name).toBeInstanceOf(RlpxError);
      expect((error as RlpxError).code, name).toBe('ERR_RLPX_AUTH');
      expect((error as RlpxError).message, name).toBe('the handshake message is not valid');
      expect((error as RlpxError).reason, name).toBeUndefined();
    }
  });

  test('H12: another version, more elements and bytes after the list are accepted (EIP-8)', () => {
    const tails = [
      [encodeUint(0)],
      [encodeUint(2n ** 64n - 1n)],
      [encodeUint(5), encodeList([encodeUint(1)]), encodeBytes(text('future'))],
    ];
    for (const tail of tails) expect(codeOf(() => recipientReads(authWith({ tail })))).toBe('nothing');
    const ack = sealed(publicKeyA, [
      encodeBytes(publicKeyB),
      encodeBytes(keysB.nonce),
      encodeUint(77),
      encodeList([]),
    ]);
    expect(codeOf(() => openAck(partyA(crypto), ack))).toBe('nothing');
  });

  test('H8: random bytes of every size end in one error, synchronously', () => {
    fc.assert(
      fc.property(fc.integer({ min: 282, max: 2_048 }), fc.integer(), (size, seed) => {
        const recipient = bothEnds('noise').recipient;
        const noise = seededRandom(seed).bytes(size);
        expect(codeOf(() => recipient.push(concatBytes([Uint8Array.of(size >> 8, size & 255), noise])))).toBe(
          'ERR_RLPX_AUTH',
        );
      }),
      { numRuns: 200 },
    );
  });

  test('an ack of somebody else for somebody else is refused', () => {
    const initiator = bothEnds('other').initiator;
    initiator.start();
    const ack = sealAck(partyB(crypto), keysB, crypto.publicKey(scalar(77)));
    expect(codeOf(() => initiator.push(ack))).toBe('ERR_RLPX_AUTH');
  });
});

function inPieces(handshake: Handshake, bytes: Uint8Array, cuts: readonly number[]) {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const piece = bytes.slice(at, at + (cuts[i % cuts.length] ?? 1));
    at += piece.length;
    const result = handshake.push(piece);
    piece.fill(0xdd); // chunks are only lent
    if (result !== undefined) return result;
  }
  throw new Error('no result');
}

/** An envelope as B would get it, with any list in it. */
function sealed(to: Uint8Array, items: readonly Uint8Array[], plain?: () => Uint8Array): Uint8Array {
  const content = plain?.() ?? concatBytes([encodeList(items), new Uint8Array(120)]);
  const size = Uint8Array.of((content.length + 113) >> 8, (content.length + 113) & 255);
  return concatBytes([size, eciesSeal(crypto, random, to, content, size)]);
}

/** A's auth for B, right except for what is given. */
function authWith(changes: {
  readonly signature?: Uint8Array;
  readonly recoveryId?: number;
  readonly publicKey?: Uint8Array;
  readonly nonce?: Uint8Array;
  readonly tail?: readonly Uint8Array[];
}): Uint8Array {
  const shared = crypto.ecdh(eip8.keys.static_key_a, publicKeyB);
  const signature =
    changes.signature ??
    crypto.sign(
      shared.map((byte, i) => byte ^ (keysA.nonce[i] as number)),
      keysA.ephemeralKey,
    );
  if (changes.recoveryId !== undefined) signature[64] = changes.recoveryId;
  return sealed(publicKeyB, [
    encodeBytes(signature),
    encodeBytes(changes.publicKey ?? publicKeyA),
    encodeBytes(changes.nonce ?? keysA.nonce),
    ...(changes.tail ?? [encodeUint(4)]),
  ]);
}

function recipientReads(auth: Uint8Array): unknown {
  return new Handshake({ ...partyB(crypto), role: 'recipient', keys: keysB }).push(auth);
}
