import { describe, expect, test } from 'vitest';
import { nobleCrypto } from '../../src/crypto/index.js';
import { builtInChain, chainFromGenesis, decodeHeader } from '../../src/eth/index.js';
import { floorGas, intrinsicGas } from '../../src/pool/gas.js';
import {
  checkTransaction,
  PoolError,
  type PooledTransaction,
  readTransaction,
  rulesAfter,
  type TransactionRules,
} from '../../src/pool/index.js';
import { transactionVector, transactionVectors, wholeItem } from '../support/pool-vectors.js';

const CHAIN = 3_503_995_874_084_926n;
const NO_FORKS = {
  london: false,
  shanghai: false,
  cancun: false,
  prague: false,
  osaka: false,
  amsterdam: false,
};
const FORKS: Readonly<Record<string, Partial<TransactionRules>>> = {
  homestead: {},
  istanbul: { london: true },
  shanghai: { london: true, shanghai: true, cancun: true },
  prague: { london: true, shanghai: true, cancun: true, prague: true, osaka: true },
  amsterdam: { london: true, shanghai: true, cancun: true, prague: true, osaka: true, amsterdam: true },
};

function rules(fork: string, more: Partial<TransactionRules> = {}): TransactionRules {
  return {
    chainId: CHAIN,
    head: { number: 1n, time: 1n, gasLimit: 30_000_000n, baseFee: 1n },
    ...NO_FORKS,
    maxBlobs: 6,
    minTip: 0n,
    ...FORKS[fork],
    ...more,
  };
}

function read(name: string): PooledTransaction {
  return readTransaction(wholeItem(transactionVector(name)), { crypto: nobleCrypto });
}

/** The code of the first fault; undefined where there is none. */
function faultOf(transaction: PooledTransaction, under: TransactionRules): string | undefined {
  try {
    checkTransaction(transaction, under);
    return undefined;
  } catch (error) {
    if (error instanceof PoolError) return error.code;
    throw error;
  }
}

describe('the gas that a transaction needs is that of geth', () => {
  // Before Istanbul data cost more; the pool takes the rules before London for London's.
  const forks = ['istanbul', 'shanghai', 'prague', 'amsterdam'];
  test.each(transactionVectors.map((vector) => [vector.name, vector] as const))('%s', (_, vector) => {
    const transaction = readTransaction(wholeItem(vector), { crypto: nobleCrypto });
    for (const fork of forks) {
      const under = rules(fork);
      expect(intrinsicGas(transaction, under), fork).toBe(vector.costs[fork]?.intrinsic);
      if (under.prague) expect(floorGas(transaction, under), fork).toBe(vector.costs[fork]?.floor);
    }
  });

  test('to the last unit', () => {
    const vector = transactionVector('type 4');
    const { intrinsic = 0, floor = 0 } = vector.costs.prague ?? {};
    const least = BigInt(Math.max(intrinsic, floor));
    expect(faultOf({ ...read('type 4'), gas: least }, rules('prague'))).toBeUndefined();
    expect(faultOf({ ...read('type 4'), gas: least - 1n }, rules('prague'))).toBe('ERR_POOL_TX_GAS');
  });

  test('with the floor of data from Prague on', () => {
    const data = new Uint8Array(1_000).fill(1);
    const transaction = { ...read('type 2 to oneself'), data, gas: 21_000n + 16_000n };
    expect(faultOf(transaction, rules('shanghai'))).toBeUndefined();
    expect(faultOf(transaction, rules('prague'))).toBe('ERR_POOL_TX_GAS');
    expect(faultOf({ ...transaction, gas: 21_000n + 40_000n }, rules('prague'))).toBeUndefined();
  });
});

describe('a transaction is refused', () => {
  const plain = read('type 2 to oneself');
  const creation = read('type 2 that creates a contract with value');
  const blobs = read('type 3 with a sidecar of version 1');
  const old = read('type 3 with a sidecar of version 0');
  const setCode = read('type 4');

  test('where its fork is not there yet', () => {
    const first = {
      2: ['istanbul', 'homestead', plain],
      3: ['shanghai', 'istanbul', blobs],
      4: ['prague', 'shanghai', setCode],
    } as const;
    for (const [from, before, transaction] of Object.values(first)) {
      expect(faultOf(transaction, rules(from))).toBeUndefined();
      expect(faultOf(transaction, rules(before))).toBe('ERR_POOL_TX_TYPE');
    }
    expect(faultOf(read('type 1 with'), rules('homestead'))).toBeUndefined();
  });

  test('that was signed for another chain; without any it is good on all', () => {
    expect(faultOf(plain, rules('prague', { chainId: 1n }))).toBe('ERR_POOL_TX_CHAIN_ID');
    expect(faultOf(read('a transfer of type 0 (EIP-155)'), rules('prague', { chainId: 1n }))).toBe(
      'ERR_POOL_TX_CHAIN_ID',
    );
    expect(
      faultOf(read('a transfer of type 0 on no chain'), rules('prague', { chainId: 1n })),
    ).toBeUndefined();
  });

  test('with the last nonce of all', () => {
    expect(faultOf({ ...plain, nonce: 2n ** 64n - 2n }, rules('prague'))).toBeUndefined();
    expect(faultOf({ ...plain, nonce: 2n ** 64n - 1n }, rules('prague'))).toBe('ERR_POOL_TX_NONCE');
  });

  test('with more gas than a block has, or than EIP-7825 allows from Osaka to Amsterdam', () => {
    const gas = (amount: bigint, fork: string) => faultOf({ ...plain, gas: amount }, rules(fork));
    expect([gas(30_000_000n, 'shanghai'), gas(30_000_001n, 'shanghai')]).toEqual([
      undefined,
      'ERR_POOL_TX_GAS',
    ]);
    expect([gas(16_777_216n, 'prague'), gas(16_777_217n, 'prague')]).toEqual([undefined, 'ERR_POOL_TX_GAS']);
    expect(gas(16_777_217n, 'amsterdam')).toBeUndefined();
    // there what is needed from the start is bounded: 64 gas a byte
    const data = new Uint8Array(270_000);
    expect(faultOf({ ...plain, data, gas: 20_000_000n }, rules('amsterdam'))).toBe('ERR_POOL_TX_GAS');
  });

  test('with more code for a contract than EIP-3860 allows from Shanghai on', () => {
    const code = (bytes: number, fork: string) =>
      faultOf({ ...creation, data: new Uint8Array(bytes), gas: 16_000_000n }, rules(fork));
    expect([code(49_152, 'shanghai'), code(49_153, 'shanghai')]).toEqual([undefined, 'ERR_POOL_TX_INITCODE']);
    expect(code(49_153, 'istanbul')).toBeUndefined();
    expect([code(131_072, 'amsterdam'), code(131_073, 'amsterdam')]).toEqual([
      undefined,
      'ERR_POOL_TX_INITCODE',
    ]);
    expect(
      faultOf({ ...plain, data: new Uint8Array(49_153), gas: 16_000_000n }, rules('shanghai')),
    ).toBeUndefined();
  });

  test('with a tip above its fee, or below the least', () => {
    const tip = (gasTipCap: bigint) =>
      faultOf({ ...plain, gasTipCap, gasFeeCap: 10n }, rules('prague', { minTip: 3n }));
    expect([tip(2n), tip(3n), tip(10n), tip(11n)]).toEqual([
      'ERR_POOL_TX_FEE',
      undefined,
      undefined,
      'ERR_POOL_TX_FEE',
    ]);
  });

  test('that might cost more than 256 bits hold', () => {
    const value = (amount: bigint) => faultOf({ ...plain, value: amount }, rules('prague'));
    const most = 2n ** 256n - 1n - plain.gas * plain.gasFeeCap;
    expect([value(most), value(most + 1n)]).toEqual([undefined, 'ERR_POOL_TX_VALUE']);
    const blobFee = (blobFeeCap: bigint) => faultOf({ ...blobs, blobFeeCap }, rules('prague'));
    expect([blobFee(2n ** 238n), blobFee(2n ** 239n)]).toEqual([undefined, 'ERR_POOL_TX_VALUE']);
    expect(faultOf(read('type 2 with values of 256 bits'), rules('shanghai'))).toBe('ERR_POOL_TX_GAS');
  });

  test('with blobs for nothing, with none, with too many', () => {
    expect(faultOf({ ...blobs, blobFeeCap: 0n }, rules('prague'))).toBe('ERR_POOL_TX_FEE');
    expect(faultOf({ ...blobs, blobHashes: [] }, rules('prague'))).toBe('ERR_POOL_TX_BLOBS');
    expect(faultOf(read('type 3 with two blobs'), rules('prague', { maxBlobs: 2 }))).toBeUndefined();
    expect(faultOf(read('type 3 with two blobs'), rules('prague', { maxBlobs: 1 }))).toBe(
      'ERR_POOL_TX_BLOBS',
    );
  });

  test('with a sidecar of version 0 from Osaka on', () => {
    expect(faultOf(old, rules('shanghai'))).toBeUndefined();
    expect(faultOf(old, rules('prague'))).toBe('ERR_POOL_TX_BLOBS');
    expect(faultOf(blobs, rules('shanghai'))).toBeUndefined();
  });

  test('that should set code and names no account', () => {
    expect(faultOf({ ...setCode, authorizations: 0 }, rules('prague'))).toBe('ERR_POOL_TX_AUTHORIZATIONS');
  });
});

describe('rules come from the head', () => {
  const genesis = (config: object) =>
    chainFromGenesis(
      {
        config: { chainId: 5, londonBlock: 0, ...config },
        alloc: {},
        coinbase: `0x${'00'.repeat(20)}`,
        difficulty: '0x0',
        extraData: '0x',
        gasLimit: '0x1c9c380',
        mixHash: `0x${'00'.repeat(32)}`,
        nonce: '0x0',
        parentHash: `0x${'00'.repeat(32)}`,
        timestamp: '0x64',
      },
      nobleCrypto,
    );
  const rulesOf = (config: object) => {
    const chain = genesis(config);
    return rulesAfter(decodeHeader(chain.genesisHeader), chain);
  };

  test('fork by fork as its fields show them', () => {
    const forks = (found: TransactionRules) =>
      Object.keys(NO_FORKS).filter((fork) => found[fork as keyof typeof NO_FORKS]);
    expect(forks(rulesOf({}))).toEqual(['london']);
    expect(forks(rulesOf({ shanghaiTime: 0 }))).toEqual(['london', 'shanghai']);
    expect(forks(rulesOf({ shanghaiTime: 0, cancunTime: 100 }))).toEqual(['london', 'shanghai', 'cancun']);
    const prague = { shanghaiTime: 0, cancunTime: 0, pragueTime: 0 };
    expect(forks(rulesOf(prague))).toEqual(['london', 'shanghai', 'cancun', 'prague']);
    const amsterdam = { ...prague, osakaTime: 0, amsterdamTime: 0 };
    expect(forks(rulesOf(amsterdam))).toEqual(Object.keys(NO_FORKS));
    const mainnet = builtInChain('mainnet');
    expect(forks(rulesAfter(decodeHeader(mainnet.genesisHeader), mainnet))).toEqual([]);
  });

  test('Osaka, which no field shows, by its time', () => {
    const prague = { shanghaiTime: 0, cancunTime: 0, pragueTime: 0 };
    expect(rulesOf({ ...prague, osakaTime: 100 }).osaka).toBe(true);
    expect(rulesOf({ ...prague, osakaTime: 101 }).osaka).toBe(false);
    for (const name of ['mainnet', 'sepolia', 'hoodi'] as const) {
      const { osakaTime, forkTimes } = builtInChain(name);
      expect(forkTimes).toContain(osakaTime);
    }
  });

  test('with the gas limit and the base fee that the head has', () => {
    expect(rulesOf({})).toMatchObject({
      chainId: 5n,
      head: { number: 0n, time: 100n, gasLimit: 30_000_000n, baseFee: 1_000_000_000n },
      maxBlobs: 6,
      minTip: 1n,
    });
  });
});
