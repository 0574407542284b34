import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex, prefixedHex, readList } from '../../src/codec/index.js';
import { forkList } from '../../src/eth/chains/chain-spec.js';
import {
  checkForkId,
  encodeForkId,
  type ForkHead,
  type ForkSchedule,
  forkFilter,
  forkId,
  readForkId,
} from '../../src/eth/index.js';
import { chainVectors, forkIdVectors, hash, hex } from '../support/eth-vectors.js';

const { creation, validation, rlp } = forkIdVectors();

function schedule(name: string): ForkSchedule {
  const chain = chainVectors().chains[name];
  if (chain === undefined) throw new Error(`no chain ${name}`);
  return {
    genesisHash: hex(chain.genesis),
    forkBlocks: forkList(Object.values(chain.forkBlocks).map(BigInt), 0n),
    forkTimes: forkList(Object.values(chain.forkTimes).map(BigInt), BigInt(chain.genesisTime)),
  };
}

const configs: Readonly<Record<string, ForkSchedule>> = {
  mainnet: schedule('mainnet'),
  'mainnet without any timestamp fork': { ...schedule('mainnet'), forkTimes: [] },
};

describe.each(Object.keys(creation))('fork ids of %s', (name) => {
  const chain = schedule(name);

  it.each(creation[name] ?? [])('at block $head, time $time', ({ head, time, hash: expected, next }) => {
    const id = forkId(chain, { number: BigInt(head), time: BigInt(time) });
    expect({ hash: prefixedHex(id.hash), next: id.next }).toEqual({ hash: expected, next: BigInt(next) });
  });
});

describe('a remote fork id', () => {
  const verdicts: Readonly<Record<string, string>> = {
    accept: 'accept',
    'remote stale': 'remote-stale',
    'local incompatible or stale': 'incompatible',
  };

  it.each(
    validation.map(
      (row) => [`${row.hash} next ${row.next} at ${row.head}/${row.time} on ${row.config}`, row] as const,
    ),
  )('%s', (_title, { config, head, time, hash: remote, next, verdict }) => {
    const chain = configs[config];
    if (chain === undefined) throw new Error(`no config ${config}`);
    const at: ForkHead = { number: BigInt(head), time: BigInt(time) };
    expect(checkForkId(chain, at, { hash: hex(remote), next: BigInt(next) })).toBe(verdicts[verdict]);
  });
});

describe('a remote that announces a fork which we do not know of', () => {
  const chain = { genesisHash: hash('01'), forkBlocks: [10n], forkTimes: [] };
  const head = { number: 2_000_000_000n, time: 1_700_000_000n };
  const { hash: sum } = forkId(chain, head);

  it('at a time that has passed is refused, though no fork of ours goes by time', () => {
    const young = { number: 11n, time: head.time };
    expect(checkForkId(chain, young, { hash: sum, next: 1_650_000_000n })).toBe('incompatible');
    expect(checkForkId(chain, young, { hash: sum, next: 1_750_000_000n })).toBe('accept');
  });

  it('at a number below the time of the first block is judged by our number alone', () => {
    const young = { number: 11n, time: head.time };
    expect(checkForkId(chain, young, { hash: sum, next: 1_438_269_973n })).toBe('accept');
    expect(checkForkId(chain, head, { hash: sum, next: 1_438_269_973n })).toBe('incompatible');
  });
});

describe('on the wire', () => {
  it.each(rlp)('$rlp', ({ hash: sum, next, rlp: encoded }) => {
    const id = { hash: hex(sum), next: BigInt(next) };
    expect(bytesToHex(encodeForkId(id))).toBe(encoded);
    expect(readForkId(readList(hex(`${(0xc0 + encoded.length / 2).toString(16)}${encoded}`)))).toEqual(id);
  });
});

describe('properties', () => {
  const chain: fc.Arbitrary<ForkSchedule> = fc
    .tuple(
      fc.array(fc.bigInt({ min: 0n, max: 100n }), { maxLength: 6 }),
      fc.array(fc.bigInt({ min: 1_600_000_000n, max: 1_600_000_100n }), { maxLength: 6 }),
    )
    .map(([blocks, times]) => ({
      genesisHash: hash('01'),
      forkBlocks: forkList(blocks, 0n),
      forkTimes: forkList(times, 1_600_000_000n),
    }));
  const head: fc.Arbitrary<ForkHead> = fc
    .tuple(fc.bigInt({ min: 0n, max: 110n }), fc.bigInt({ min: 1_600_000_000n, max: 1_600_000_110n }))
    .map(([number, time]) => ({ number, time }));

  it('nodes of one chain accept each other wherever their heads are', () => {
    fc.assert(
      fc.property(chain, head, head, (of, ours, theirs) => {
        expect(checkForkId(of, ours, forkId(of, theirs))).toBe('accept');
      }),
    );
  });

  it('the filter asks for the head each time', () => {
    const of = { genesisHash: hash('01'), forkBlocks: [10n], forkTimes: [] };
    let number = 5n;
    const filter = forkFilter(of, () => ({ number, time: 0n }));
    const unaware = { hash: forkId(of, { number: 5n, time: 0n }).hash, next: 0n };
    expect(filter(unaware)).toBe('accept');
    number = 10n;
    expect(filter(unaware)).toBe('remote-stale');
  });
});
