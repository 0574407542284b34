import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { eciesOpen, eciesSeal, FrameDecoder, FrameEncoder } from '../../src/rlpx/index.js';
import { seededRandom } from '../../src/runtime/index.js';
import { scalar } from '../support/crypto-values.js';
import { crypto, frameBytes, matchingSecrets } from '../support/rlpx-secrets.js';

/** A back end that writes down what it was asked to compare, and at how many bytes. */
function watching(): { compared: number[]; backend: typeof crypto } {
  const compared: number[] = [];
  const equal = (a: Uint8Array, b: Uint8Array): boolean => {
    compared.push(a.length, b.length);
    return crypto.equal(a, b);
  };
  return { compared, backend: { ...crypto, equal } };
}

test('H13: tags and MACs are compared whole, by the one primitive that takes constant time', () => {
  const { compared, backend } = watching();
  const key = scalar(7);
  const size = Uint8Array.of(1, 0);
  const sealed = eciesSeal(backend, seededRandom('tag'), crypto.publicKey(key), new Uint8Array(10), size);
  eciesOpen(backend, key, sealed, size);
  expect(compared).toEqual([32, 32]);
  const { near, far } = matchingSecrets();
  const decoder = new FrameDecoder(backend, far, 2_048);
  decoder.push(frameBytes(new FrameEncoder(backend, near), 1, new Uint8Array(3)));
  decoder.next();
  expect(compared).toEqual([32, 32, 16, 16, 16, 16]);
});

test('H13: nothing in the room compares bytes in another way', () => {
  const folder = new URL('../../src/rlpx/', import.meta.url);
  const names = readdirSync(folder);
  expect(names.length).toBeGreaterThan(15);
  for (const name of names) {
    const text = readFileSync(new URL(name, folder), 'utf8');
    expect([name, text.match(/sameBytes|compareBytes|\.equals\(|Buffer\.compare/)]).toEqual([name, null]);
  }
});

test('H8: peer data reaches only synchronous cryptography', () => {
  const room = new URL('../../src/rlpx/', import.meta.url);
  const files = [
    ...readdirSync(room).map((name) => new URL(name, room)),
    new URL('../crypto/crypto.ts', room),
  ];
  for (const file of files) {
    const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    expect([file.pathname, text.match(/\basync\b|\bawait\b|\bPromise\b|\bsubtle\b/)]).toEqual([
      file.pathname,
      null,
    ]);
  }
});
