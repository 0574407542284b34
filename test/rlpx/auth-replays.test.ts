import { expect, test } from 'vitest';
import type { RlpxCrypto } from '../../src/crypto/index.js';
import { AuthReplays, Handshake, RlpxError } from '../../src/rlpx/index.js';
import { ownPublicKey } from '../../src/rlpx/own-key.js';
import { seededRandom } from '../../src/runtime/index.js';
import { scalar } from '../support/crypto-values.js';
import { crypto } from '../support/rlpx-secrets.js';

const secretKey = scalar(11);
const recipientKey = crypto.publicKey(secretKey);

/** A back end that counts its operations on the curve. */
function counting(): { readonly backend: RlpxCrypto; readonly curve: { operations: number } } {
  const curve = { operations: 0 };
  const counted = <Args extends unknown[], T>(work: (...args: Args) => T): ((...args: Args) => T) => {
    return (...args) => {
      curve.operations++;
      return work(...args);
    };
  };
  const backend = {
    ...crypto,
    ecdh: counted(crypto.ecdh),
    recover: counted(crypto.recover),
    sign: counted(crypto.sign),
    publicKey: counted(crypto.publicKey),
  };
  return { backend, curve };
}

function auth(seed: string): Uint8Array {
  const dialler = new Handshake({
    role: 'initiator',
    crypto,
    random: seededRandom(seed),
    secretKey: scalar(12),
    remotePublicKey: recipientKey,
  });
  return dialler.start() as Uint8Array;
}

function receive(backend: RlpxCrypto, message: Uint8Array, replays?: AuthReplays): string {
  const options = { role: 'recipient', crypto: backend, random: seededRandom('far'), secretKey } as const;
  try {
    return new Handshake({ ...options, replays }).push(message) === undefined ? 'more' : 'accepted';
  } catch (error) {
    return error instanceof RlpxError ? error.code : 'another error';
  }
}

test('E4: fifty copies of one recorded auth cost the work of one', () => {
  const { backend, curve } = counting();
  const replays = new AuthReplays();
  const recorded = auth('recorded');
  expect(receive(backend, recorded, replays)).toBe('accepted');
  const first = curve.operations;
  expect(first).toBeGreaterThan(3);
  for (let i = 0; i < 50; i++) expect(receive(backend, recorded, replays)).toBe('ERR_RLPX_AUTH');
  expect(curve.operations).toBe(first);
  expect(receive(backend, auth('another'), replays)).toBe('accepted'); // an honest one is not hindered
});

test('H9: a replay is refused whatever else of it was changed, and one operation is all that a bad one ever gets', () => {
  const { backend, curve } = counting();
  const replays = new AuthReplays();
  const bad = auth('bad');
  bad[bad.length - 1] = (bad[bad.length - 1] as number) ^ 1;
  for (let i = 0; i < 20; i++) {
    bad[100] = i;
    expect(receive(backend, bad, replays)).toBe('ERR_RLPX_AUTH');
  }
  expect(curve.operations).toBe(1);
});

test('H9: what is remembered is bounded, the oldest goes first, and what is no point is not remembered', () => {
  const replays = new AuthReplays(3);
  const messages = ['a', 'b', 'c', 'd'].map(auth);
  for (const message of messages) expect(receive(crypto, message, replays)).toBe('accepted');
  expect(replays.size).toBe(3);
  expect(receive(crypto, messages[3] as Uint8Array, replays)).toBe('ERR_RLPX_AUTH');
  expect(receive(crypto, messages[0] as Uint8Array, replays)).toBe('accepted');
  const offCurve = auth('e');
  offCurve[20] = (offCurve[20] as number) ^ 1;
  const before = replays.has((messages[2] as Uint8Array).subarray(2));
  expect(receive(crypto, offCurve, replays)).toBe('ERR_RLPX_AUTH');
  expect([replays.size, before]).toEqual([3, true]);
  expect(replays.has(offCurve.subarray(2))).toBe(false);
});

test('without a memory the same auth is read as often as it comes', () => {
  expect([1, 2].map(() => receive(crypto, auth('same')))).toEqual(['accepted', 'accepted']);
});

test('the public key of a node is computed once, and anew where its array was filled anew', () => {
  const { backend, curve } = counting();
  const key = scalar(21);
  expect(ownPublicKey(backend, key)).toEqual(crypto.publicKey(scalar(21)));
  ownPublicKey(backend, key);
  expect(curve.operations).toBe(1);
  key.set(scalar(22));
  expect(ownPublicKey(backend, key)).toEqual(crypto.publicKey(scalar(22)));
});
