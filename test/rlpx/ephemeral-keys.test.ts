import { expect, test } from 'vitest';
import { nobleCrypto, type RlpxCrypto } from '../../src/crypto/index.js';
import { EphemeralKeys, eciesOpen, eciesSeal, Handshake } from '../../src/rlpx/index.js';
import { type Clock, seededRandom, VirtualClock } from '../../src/runtime/index.js';
import { bytes, hex, scalar } from '../support/crypto-values.js';

const random = seededRandom('ephemeral keys');

/** Counts public keys that were computed, and answers them at once. */
function counting(): { readonly crypto: RlpxCrypto; computed: number } {
  const counter = { computed: 0, crypto: nobleCrypto };
  counter.crypto = {
    ...nobleCrypto,
    publicKey(secretKey) {
      counter.computed++;
      return nobleCrypto.publicKey(secretKey);
    },
  };
  return counter;
}

/** A clock whose loop is idle when the test says so. */
function idleClock(): { readonly clock: Clock; idle(): boolean } {
  const waiting: (() => void)[] = [];
  const virtual = new VirtualClock();
  const clock: Clock = {
    now: () => virtual.now(),
    wallMs: () => virtual.wallMs(),
    timer: (delayMs, fire) => virtual.timer(delayMs, fire),
    soon: (run) => virtual.soon(run),
    whenIdle: (run) => void waiting.push(run),
  };
  return {
    clock,
    idle() {
      const run = waiting.shift();
      run?.();
      return run !== undefined;
    },
  };
}

test('keys are made as they are asked for where time is simulated, and nothing is left behind', async () => {
  const { crypto } = counting();
  const clock = new VirtualClock();
  const keys = new EphemeralKeys(crypto, random, clock);
  const { secretKey, publicKey } = keys.take();
  expect(hex(publicKey)).toBe(hex(nobleCrypto.publicKey(secretKey)));
  await clock.advance(1_000);
  expect(keys.prepared).toBe(0);
  expect(clock.pendingTimers).toBe(0);
});

test('idle time fills the pool up to its bound, one key at a time, and no key is given twice', () => {
  const counter = counting();
  const { clock, idle } = idleClock();
  const keys = new EphemeralKeys(counter.crypto, random, clock, 4);
  expect(idle()).toBe(false); // nothing is made for a node that never shakes hands
  const given = new Set([hex(keys.take().publicKey)]);
  while (idle()) expect(keys.prepared).toBeLessThanOrEqual(4);
  expect([keys.prepared, counter.computed]).toEqual([4, 5]);
  for (let i = 0; i < 6; i++) given.add(hex(keys.take().publicKey));
  expect([given.size, keys.prepared, counter.computed]).toEqual([7, 0, 7]);
});

test('a closed pool forgets its keys, prepares none, and still makes those that are asked for', () => {
  const { clock, idle } = idleClock();
  const keys = new EphemeralKeys(nobleCrypto, random, clock, 2);
  keys.take();
  idle();
  keys.close();
  expect(keys.prepared).toBe(0);
  while (idle()) expect(keys.prepared).toBe(0);
  expect(keys.take().publicKey).toHaveLength(64);
  expect(idle()).toBe(false);
});

test('a prepared key seals one message and is zeros then', () => {
  const { clock } = idleClock();
  const key = new EphemeralKeys(nobleCrypto, random, clock).take();
  const ours = scalar(0x5ea1);
  const sealed = eciesSeal(
    nobleCrypto,
    random,
    nobleCrypto.publicKey(ours),
    bytes('c0ffee'),
    bytes('0102'),
    key,
  );
  expect(hex(sealed.subarray(1, 65))).toBe(hex(key.publicKey));
  expect(hex(eciesOpen(nobleCrypto, ours, sealed, bytes('0102')))).toBe('c0ffee');
  expect(hex(key.secretKey)).toBe('00'.repeat(32));
});

test('two ends agree with prepared keys, compute no point on the way, and leave zeros of each secret', () => {
  const counter = counting();
  const { clock, idle } = idleClock();
  const drawn: Uint8Array[] = [];
  const watched = {
    unit: () => random.unit(),
    bytes(length: number): Uint8Array {
      const drawing = random.bytes(length);
      if (length === 32) drawn.push(drawing);
      return drawing;
    },
  };
  const ephemeralKeys = new EphemeralKeys(counter.crypto, watched, clock);
  ephemeralKeys.take().secretKey.fill(0);
  while (idle());
  const [near, far] = [scalar(0xaaaa), scalar(0xbbbb)];
  const common = { crypto: counter.crypto, random: watched, ephemeralKeys };
  const remotePublicKey = nobleCrypto.publicKey(far);
  const dialler = new Handshake({ ...common, role: 'initiator', secretKey: near, remotePublicKey });
  const listener = new Handshake({ ...common, role: 'recipient', secretKey: far });
  const auth = dialler.start() as Uint8Array;
  const before = counter.computed; // our own public key stands in the auth
  const accepted = listener.push(auth);
  const agreed = dialler.push(accepted?.reply as Uint8Array);
  expect(counter.computed).toBe(before);
  expect(hex(agreed?.sharedId as Uint8Array)).toBe(hex(accepted?.sharedId as Uint8Array));
  expect(hex(agreed?.secrets.aes as Uint8Array)).toBe(hex(accepted?.secrets.aes as Uint8Array));
  const zeros = drawn.filter((secret) => secret.every((byte) => byte === 0));
  // one for the pool's first taker, the two that sealed, the two that agreed
  expect(zeros).toHaveLength(5);
});
