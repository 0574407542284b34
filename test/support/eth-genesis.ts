/** A genesis file of our own, at every level of forks that changes the header of block 0. */

const address = (last: string): string => `0x${last.padStart(40, '0')}`;

const alloc: Readonly<Record<string, unknown>> = {
  [address('a1')]: { balance: '0xde0b6b3a7640000' },
  // Without 0x, a decimal balance.
  b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2: {
    balance: '115792089237316195423570985008687907853269984665640564039457584007913129639935',
  },
  // Holds nothing, and is in the state all the same.
  [address('c3')]: { balance: '0x0' },
  [address('d4')]: { balance: 7, nonce: '0x12', code: '0x6001600155' },
  '0xE5E5e5e5e5e5E5e5E5E5E5E5E5E5E5E5E5E5E5E5': {
    balance: '1',
    nonce: 1,
    code: '0x60006000a0',
    storage: {
      '0x00': '0x2a',
      '0x0000000000000000000000000000000000000000000000000000000000000001':
        '0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
      '0x02': '0x0100',
      // Zero is no slot.
      '0x03': '0x00',
      '0x04': '0x0000000000000000000000000000000000000000000000000000000000000080',
    },
  },
  ...Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [
      address((0x1000 + i * 7919).toString(16)),
      { balance: String(10 ** 6 + i) },
    ]),
  ),
};

const header = {
  nonce: '0x42',
  timestamp: '0x65f0b000',
  extraData: '0x726c70786420746573742067656e65736973',
  gasLimit: '30000000',
  difficulty: '0x20000',
  mixHash: '0x00000000000000000000000000000000000000000000000000000000deadbeef',
  coinbase: '0x00000000000000000000000000000000000000cc',
};

const blockForks = [
  'homesteadBlock',
  'eip150Block',
  'eip155Block',
  'eip158Block',
  'byzantiumBlock',
  'constantinopleBlock',
  'petersburgBlock',
  'istanbulBlock',
  'muirGlacierBlock',
  'berlinBlock',
];

const early = Object.fromEntries(blockForks.map((name) => [name, 0]));

export type ForkLevel = keyof typeof configs;

const configs = {
  frontier: { homesteadBlock: 5, eip150Block: 5, eip155Block: 9, eip158Block: 9, byzantiumBlock: 12 },
  berlin: early,
  'london later': { ...early, londonBlock: 4, shanghaiTime: 0 },
  london: { ...early, londonBlock: 0 },
  shanghai: { ...early, londonBlock: 0, shanghaiTime: 0 },
  cancun: { ...early, londonBlock: 0, shanghaiTime: 0, cancunTime: 0x65f0b000 },
  prague: { ...early, londonBlock: 0, shanghaiTime: 0, cancunTime: 0, pragueTime: 0, osakaTime: 1710277633 },
  amsterdam: {
    ...early,
    londonBlock: 0,
    mergeNetsplitBlock: 0,
    shanghaiTime: 0,
    cancunTime: 0,
    pragueTime: 0,
    osakaTime: 0,
    bpo1Time: 2000000000,
    bpo2Time: 2000000000,
    amsterdamTime: 1,
    bogotaTime: 2000000001,
  },
} as const;

export const FORK_LEVELS: readonly ForkLevel[] = Object.keys(configs) as ForkLevel[];

export interface GenesisFile {
  readonly config: Readonly<Record<string, unknown>>;
  readonly alloc: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** The genesis file at a level, with other fields put in or, where undefined, left out. */
export function genesisAt(level: ForkLevel, changes: Readonly<Record<string, unknown>> = {}): GenesisFile {
  return { config: { chainId: 19_763, ...configs[level] }, ...header, alloc, ...changes };
}
