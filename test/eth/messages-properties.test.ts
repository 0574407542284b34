import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import {
  decodeBody,
  decodeHeader,
  decodeReceipts,
  ETH_VERSIONS,
  EthError,
  ethProtocol,
  type MessageSpec,
  peekRequestId,
  receipts68To69,
  receiptsRoot,
  splitBlock,
  transactionHash,
  withdrawalsRoot,
} from '../../src/eth/index.js';
import { messageArbitrary, receipt } from '../support/eth-arbitraries.js';
import { contentVectors, hex } from '../support/eth-vectors.js';

const specs = ETH_VERSIONS.flatMap((version) =>
  Array.from(
    ethProtocol(version).byName.values(),
    (spec) => [`eth/${version} ${spec.name}`, version, spec] as const,
  ),
);

describe('every message of every version', () => {
  it('is one of 67', () => expect(specs).toHaveLength(67));

  it.each(specs)(
    '%s is read as it was written',
    (_title, version, { name, kind, encode, decode, maxBytes }) => {
      fc.assert(
        fc.property(messageArbitrary(name, version), (message) => {
          const payload = encode(message);
          expect(decode(payload)).toEqual(message);
          expect(payload.length).toBeLessThanOrEqual(maxBytes);
          if (kind === 'request' || kind === 'response') {
            expect(peekRequestId(payload)).toBe((message as { requestId: bigint }).requestId);
          }
        }),
        { numRuns: 60 },
      );
    },
  );
});

/** What hostile bytes may lead to: a value, or the one error of this room with a reason to tell the peer. */
function endsWell(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(EthError);
    expect(error).toMatchObject({
      code: expect.stringMatching(/^ERR_ETH_(DECODE|STATUS_VERSION)$/),
      reason: 2,
    });
  }
}

/** A good message with bytes changed, cut out and put in. */
const damage = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.integer({ min: 0, max: 3 }),
    put: fc.uint8Array({ maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 4 },
);

function damaged(
  payload: Uint8Array,
  changes: readonly { at: number; cut: number; put: Uint8Array }[],
): Uint8Array {
  let bytes = payload;
  for (const { at, cut, put } of changes) {
    const start = Math.floor(at * bytes.length);
    bytes = concatBytes([bytes.subarray(0, start), put, bytes.subarray(start + cut)]);
  }
  return bytes;
}

describe('hostile bytes', () => {
  it.each(specs)('%s ends in one typed error or in a message', (_title, version, spec: MessageSpec) => {
    fc.assert(
      fc.property(
        messageArbitrary(spec.name, version),
        damage,
        fc.uint8Array({ maxLength: 60 }),
        (message, changes, noise) => {
          const bytes = damaged(spec.encode(message), changes);
          endsWell(() => spec.decode(bytes));
          endsWell(() => spec.decode(noise));
          endsWell(() => peekRequestId(bytes));
        },
      ),
      { numRuns: 60 },
    );
  });

  const [block] = contentVectors().blocks;
  const { header, body } = splitBlock(hex(block?.rlp ?? ''));
  const receipts = hex(block?.receipts69 ?? '');
  const receipts68 = hex(block?.receipts68 ?? '');

  it('for contents end in the same', () => {
    fc.assert(
      fc.property(damage, (changes) => {
        endsWell(() => decodeHeader(damaged(header, changes)));
        endsWell(() => {
          const { transactions, withdrawals } = decodeBody(damaged(body, changes));
          for (const raw of transactions) transactionHash(raw, nobleCrypto);
          if (withdrawals !== undefined) withdrawalsRoot(withdrawals, nobleCrypto);
        });
        endsWell(() => decodeReceipts(damaged(receipts, changes)));
        endsWell(() => receiptsRoot(damaged(receipts, changes), nobleCrypto));
        endsWell(() => receipts68To69(damaged(receipts68, changes)));
        endsWell(() => splitBlock(damaged(hex(block?.rlp ?? ''), changes)));
      }),
      { numRuns: 300 },
    );
  });

  it('never read otherwise than they would be written', () => {
    fc.assert(
      fc.property(fc.array(receipt, { maxLength: 3 }), damage, (_some, changes) => {
        for (const [, , spec] of specs) {
          if (spec.name.includes('Cells')) continue; // read in two forms
          const bytes = damaged(spec.kind === 'status' ? hex('c0') : hex('c4820457c0'), changes);
          let message: ReturnType<MessageSpec['decode']>;
          try {
            message = spec.decode(bytes);
          } catch {
            continue;
          }
          expect(spec.encode(message)).toEqual(bytes);
        }
      }),
      { numRuns: 100 },
    );
  });
});
