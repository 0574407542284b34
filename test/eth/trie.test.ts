import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex, concatBytes, encodeBytes, encodeList, encodeUint } from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import { EthError, orderedTrieRoot, secureTrieRoot, TrieBuilder } from '../../src/eth/index.js';
import { hex } from '../support/eth-vectors.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Root by the definition of the yellow paper (appendix D), recursive and without a thought for memory. */
function rootByDefinition(entries: readonly (readonly [Uint8Array, Uint8Array])[]): Uint8Array {
  const empty = encodeBytes(new Uint8Array(0));
  const nibbles = entries.map(
    ([key, value]) => [Array.from(key, (byte) => [byte >> 4, byte & 15]).flat(), value] as const,
  );
  const path = (part: readonly number[], leaf: boolean): Uint8Array => {
    const flag = (leaf ? 2 : 0) + (part.length % 2);
    const all = part.length % 2 === 1 ? [flag, ...part] : [flag, 0, ...part];
    return encodeBytes(hex(all.map((nibble) => nibble.toString(16)).join('')));
  };
  const node = (of: typeof nibbles, depth: number): Uint8Array => {
    const [first] = of;
    if (first === undefined) return empty;
    if (of.length === 1) return encodeList([path(first[0].slice(depth), true), encodeBytes(first[1])]);
    let shared = depth;
    while (of.every(([key]) => key[shared] === first[0][shared])) shared++;
    if (shared > depth)
      return encodeList([path(first[0].slice(depth, shared), false), reference(of, shared)]);
    const children = Array.from({ length: 16 }, (_, i) =>
      reference(
        of.filter(([key]) => key[depth] === i),
        depth + 1,
      ),
    );
    return encodeList([...children, empty]);
  };
  const reference = (of: typeof nibbles, depth: number): Uint8Array => {
    const encoded = node(of, depth);
    return encoded.length < 32 ? encoded : encodeBytes(nobleCrypto.keccak256(encoded));
  };
  return nobleCrypto.keccak256(node(nibbles, 0));
}

describe('roots that are known', () => {
  it('of nothing', () => {
    const empty = '56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421';
    expect(bytesToHex(orderedTrieRoot([], nobleCrypto))).toBe(empty);
    expect(bytesToHex(secureTrieRoot([], nobleCrypto))).toBe(empty);
    expect(bytesToHex(new TrieBuilder(nobleCrypto).root())).toBe(empty);
  });

  it('of one leaf', () => {
    const trie = new TrieBuilder(nobleCrypto);
    trie.add(text('A'), text('a'.repeat(50)));
    expect(bytesToHex(trie.root())).toBe('d23786fb4a010da3ce639d66d5e904a11dbc02746d1ce25029e53290cabf28ab');
  });
});

describe('any trie', () => {
  const value = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 4 }),
    fc.uint8Array({ minLength: 1, maxLength: 90 }),
  );

  it('of a list has the root by the definition', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 40 }), (items) => {
        const expected = rootByDefinition(items.map((item, i) => [encodeUint(i), item]));
        expect(orderedTrieRoot(items, nobleCrypto)).toEqual(expected);
      }),
    );
  });

  it.each([1, 2, 15, 16, 17, 127, 128, 129, 130, 255, 256, 257, 300])('of %d items has it, too', (count) => {
    const items = Array.from({ length: count }, (_, i) =>
      concatBytes([encodeUint(i), new Uint8Array(i % 40).fill(7)]),
    );
    expect(orderedTrieRoot(items, nobleCrypto)).toEqual(
      rootByDefinition(items.map((item, i) => [encodeUint(i), item])),
    );
  });

  it('with hashed keys has it, in whatever order the entries come', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.uint8Array({ maxLength: 3 }), value), {
          maxLength: 40,
          selector: ([key]) => bytesToHex(key),
        }),
        (entries) => {
          const expected = rootByDefinition(entries.map(([key, of]) => [nobleCrypto.keccak256(key), of]));
          expect(secureTrieRoot(entries, nobleCrypto)).toEqual(expected);
          expect(secureTrieRoot(entries.toReversed(), nobleCrypto)).toEqual(expected);
        },
      ),
    );
  });

  it('with short keys, where nodes stand within their parents, has it', () => {
    const keys = fc.uniqueArray(fc.integer({ min: 0, max: 0xffff }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(keys, (numbers) => {
        const entries = numbers
          .sort((a, b) => a - b)
          .map(
            (number) => [Uint8Array.of(number >> 8, number & 0xff), Uint8Array.of(number & 0x7f)] as const,
          );
        const trie = new TrieBuilder(nobleCrypto);
        for (const [key, of] of entries) trie.add(key, of);
        expect(trie.root()).toEqual(rootByDefinition(entries));
      }),
    );
  });
});

describe('a trie that cannot be', () => {
  it.each([
    ['keys out of order', '02', '01'],
    ['a key twice', '01', '01'],
    ['a key that begins with the one before', '01', '0102'],
    ['a key that the one before begins with', '0102', '01'],
  ])('%s', (_title, first, second) => {
    const trie = new TrieBuilder(nobleCrypto);
    trie.add(hex(first), hex('01'));
    const add = (): void => trie.add(hex(second), hex('01'));
    expect(add).toThrow(EthError);
    expect(add).toThrow(expect.objectContaining({ code: 'ERR_ETH_TRIE' }));
  });
});
