import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Capability, type LocalCapability, matchCapabilities } from '../../src/rlpx/index.js';

const lengths: Readonly<Record<string, number>> = { eth: 17, snap: 8, wit: 4 };

function local(...texts: readonly string[]): LocalCapability[] {
  return texts.map(
    (text) => ({ ...remote(text)[0], length: lengths[text.split('/')[0] ?? ''] ?? 1 }) as LocalCapability,
  );
}

function remote(...texts: readonly string[]): Capability[] {
  return texts.map((text) => ({ name: text.split('/')[0] ?? '', version: Number(text.split('/')[1]) }));
}

function matched(ours: readonly string[], theirs: readonly string[]): string[] {
  return matchCapabilities(local(...ours), remote(...theirs)).map(
    ({ name, version, offset, length }) => `${name}/${version}@${offset}+${length}`,
  );
}

describe('matching capabilities', () => {
  test('takes the highest version in common, per name', () => {
    expect(matched(['eth/68', 'eth/69', 'eth/70'], ['eth/67', 'eth/69', 'eth/68'])).toEqual(['eth/69@16+17']);
  });

  test('lays them out in alphabetical order, whatever the order of either list', () => {
    const wanted = ['eth/69@16+17', 'snap/1@33+8', 'wit/0@41+4'];
    expect(matched(['wit/0', 'snap/1', 'eth/69'], ['eth/69', 'wit/0', 'snap/1'])).toEqual(wanted);
    expect(matched(['eth/69', 'snap/1', 'wit/0'], ['wit/0', 'snap/1', 'eth/69'])).toEqual(wanted);
  });

  test('orders names by their bytes: capitals first, a prefix before what it begins', () => {
    expect(matched(['eth2/1', 'eth/1', 'Z/1'], ['eth/1', 'Z/1', 'eth2/1'])).toEqual([
      'Z/1@16+1',
      'eth/1@17+17',
      'eth2/1@34+1',
    ]);
  });

  test('shares nothing where versions do not meet', () => {
    expect(matched(['eth/69'], ['eth/68', 'snap/69'])).toEqual([]);
    expect(matched(['eth/69'], [])).toEqual([]);
    expect(matched([], ['eth/69'])).toEqual([]);
  });

  test('F4: an offset comes from what was agreed, not from what was offered', () => {
    expect(matched(['eth/69', 'snap/1'], ['snap/1'])).toEqual(['snap/1@16+8']);
  });

  test('F11: names of object members and doubled offers change nothing', () => {
    const theirs = ['constructor/1', '__proto__/1', 'toString/1', 'eth/69', 'eth/69', 'eth/1'];
    expect(matched(['eth/69'], theirs)).toEqual(['eth/69@16+17']);
    expect(matched(['eth/69', 'eth/69'], ['eth/69'])).toEqual(['eth/69@16+17']);
  });

  test('both ends lay out the same, whoever is local', () => {
    const capability = fc.record({
      name: fc.constantFrom('eth', 'snap', 'wit', 'les', 'a'),
      version: fc.integer({ min: 0, max: 4 }),
    });
    const offer = fc.array(capability, { maxLength: 12 });
    const length = ({ name, version }: Capability): number => name.length + version;
    fc.assert(
      fc.property(offer, offer, (ours, theirs) => {
        const here = matchCapabilities(
          ours.map((one) => ({ ...one, length: length(one) })),
          theirs,
        );
        const there = matchCapabilities(
          theirs.map((one) => ({ ...one, length: length(one) })),
          ours,
        );
        expect(here).toEqual(there);
      }),
    );
  });
});
