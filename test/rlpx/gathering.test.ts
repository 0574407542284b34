import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes } from '../../src/codec/index.js';
import { Gathering } from '../../src/rlpx/gathering.js';

/** A socket that keeps what it was given, as views: a write that is changed later shows. */
function socket(takesAtOnce: boolean) {
  const held: { readonly chunks: readonly Uint8Array[]; readonly bytes: Uint8Array }[] = [];
  return {
    held,
    pendingBytes: takesAtOnce ? 0 : 1,
    write(chunks: readonly Uint8Array[]) {
      held.push({ chunks, bytes: concatBytes([...chunks]) });
      return takesAtOnce;
    },
  };
}

test('all leaves in its order, and what a socket still holds is never written to again', () => {
  const piece = fc.record({ pushed: fc.boolean(), bytes: fc.uint8Array({ maxLength: 3_000 }) });
  const write = fc.record({ to: fc.nat(2), waits: fc.boolean(), pieces: fc.array(piece, { maxLength: 8 }) });
  fc.assert(
    fc.property(fc.array(write), (writes) => {
      const sides = [0, 1, 2].map(() => ({ out: new Gathering(), quick: socket(true), slow: socket(false) }));
      for (const { to, waits, pieces } of writes) {
        const side = sides[to];
        if (side === undefined) throw new Error('there are three');
        for (const { pushed, bytes } of pieces) {
          if (pushed) side.out.push(bytes);
          else side.out.copy(bytes);
        }
        const by = waits ? side.slow : side.quick;
        expect(side.out.writeTo(by)).toBe(!waits);
        expect(side.out.isEmpty).toBe(true);
        expect(by.held.at(-1)?.bytes).toEqual(concatBytes(pieces.map(({ bytes }) => bytes)));
      }
      for (const { slow } of sides)
        for (const { chunks, bytes } of slow.held) expect(concatBytes([...chunks])).toEqual(bytes);
    }),
  );
});

test('memory serves again once a socket has passed it on, and never what was taken', () => {
  const out = new Gathering();
  const bufferOf = (write: () => readonly Uint8Array[] | undefined): ArrayBufferLike | undefined => {
    out.copy(Uint8Array.of(1));
    return write()?.[0]?.buffer;
  };
  const by = (takesAtOnce: boolean) => () => {
    const one = socket(takesAtOnce);
    out.writeTo(one);
    return one.held[0]?.chunks;
  };
  const first = bufferOf(by(true));
  expect(bufferOf(by(true))).toBe(first);
  expect(bufferOf(by(false))).toBe(first);
  const second = bufferOf(() => out.take());
  expect(second).not.toBe(first);
  expect([first, second]).not.toContain(bufferOf(by(true)));
});
