import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sameBytes } from '../../src/codec/index.js';
import { SessionsByKey } from '../../src/session/sessions-by-key.js';

/** Keys that share their first bytes, and some their last ones. */
function key(number: number): Uint8Array {
  const bytes = new Uint8Array(64).fill(7);
  bytes[0] = number & 1;
  bytes[63] = number >> 1;
  return bytes;
}

describe('sessions by key', () => {
  test('finds what a look at each would find, whatever comes and goes', () => {
    const operations = fc.array(fc.tuple(fc.nat(11), fc.constantFrom('add', 'delete')), { maxLength: 100 });
    fc.assert(
      fc.property(operations, (steps) => {
        const sessions = Array.from({ length: 12 }, (_, i) => ({ publicKey: key(i % 6) }));
        const index = new SessionsByKey<{ publicKey: Uint8Array | undefined }>();
        const there: { publicKey: Uint8Array }[] = [];
        for (const [which, operation] of steps) {
          const session = sessions[which];
          if (session === undefined) continue;
          const at = there.indexOf(session);
          if (operation === 'add') {
            index.add(session);
            if (at < 0) there.push(session);
          } else {
            index.delete(session);
            if (at >= 0) there.splice(at, 1);
          }
          for (let i = 0; i < 6; i++)
            expect(index.find(key(i))).toBe(there.find(({ publicKey }) => sameBytes(publicKey, key(i))));
        }
      }),
    );
  });

  test('who has not proven a key is not kept', () => {
    const index = new SessionsByKey<{ publicKey: Uint8Array | undefined }>();
    index.add({ publicKey: undefined });
    index.delete({ publicKey: undefined });
    expect(index.find(key(0))).toBeUndefined();
  });
});
