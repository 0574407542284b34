import { describe, expect, it } from 'vitest';
import { bytesToHex } from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import { forkList } from '../../src/eth/chains/chain-spec.js';
import {
  BUILT_IN_CHAINS,
  builtInChain,
  chainFromGenesis,
  decodeHeader,
  EthError,
  forkId,
  headerHash,
} from '../../src/eth/index.js';
import { FORK_LEVELS, type GenesisFile, genesisAt } from '../support/eth-genesis.js';
import { chainVectors, contentVectors, hex } from '../support/eth-vectors.js';

const { genesis: vectors } = contentVectors();

function check(name: string, file: unknown): void {
  const expected = vectors[name];
  const chain = chainFromGenesis(file, nobleCrypto);
  const header = decodeHeader(chain.genesisHeader);
  const id = forkId(chain, { number: 0n, time: chain.genesisTime });
  expect({
    stateRoot: bytesToHex(header.stateRoot),
    hash: bytesToHex(chain.genesisHash),
    forkHash: bytesToHex(id.hash),
    forkNext: Number(id.next),
  }).toEqual(expected);
  expect(headerHash(chain.genesisHeader, nobleCrypto)).toEqual(chain.genesisHash);
}

describe('a genesis file, judged by what go-ethereum v1.17.5 makes of it', () => {
  it.each(FORK_LEVELS)('with the forks of %s', (level) => {
    check(level, genesisAt(level));
    check(level, JSON.stringify(genesisAt(level)));
  });

  it('with every field that block 0 can have', () => {
    check(
      'extras',
      genesisAt('amsterdam', {
        slotNumber: 7,
        excessBlobGas: '0x10',
        blobGasUsed: '0x20000',
        baseFeePerGas: '0x7',
        parentHash: `0x${'11'.repeat(32)}`,
        gasUsed: '0x5208',
      }),
    );
  });

  it('without gas limit, and with a base fee before its fork', () => {
    check('nolimit', genesisAt('frontier', { gasLimit: '0x0', baseFeePerGas: '0x9' }));
  });
});

describe('a genesis file', () => {
  it('tells the chain', () => {
    const chain = chainFromGenesis(genesisAt('amsterdam'), nobleCrypto);
    expect(chain).toMatchObject({
      name: 'chain-19763',
      chainId: 19_763n,
      networkId: 19_763n,
      genesisTime: 0x65f0b000n,
      forkBlocks: [],
      forkTimes: [2_000_000_000n, 2_000_000_001n], // each once, and none at or before block 0
    });
    expect(chainFromGenesis(genesisAt('frontier'), nobleCrypto).forkBlocks).toEqual([5n, 9n, 12n]);
  });

  it('may write numbers as JSON numbers, decimals and hexadecimals, also beyond 2^53', () => {
    const balance = '115792089237316195423570985008687907853269984665640564039457584007913129639935';
    const text = JSON.stringify(genesisAt('prague'));
    const bare = text
      .replace(`"${balance}"`, balance)
      .replace('"30000000"', '0000030000000'.replace(/^0+/, ''));
    expect(bare).not.toBe(text);
    check('prague', bare);
  });

  it('may have what we do not know, null for what is missing, and a terminal total difficulty of any size', () => {
    const file = genesisAt('prague', { excessBlobGas: null, blobGasUsed: null, whatever: [1, '2'] });
    const text = JSON.stringify({
      ...file,
      config: { ...file.config, ethash: {}, clique: null, blobSchedule: { cancun: { max: 6 } } },
    });
    check(
      'prague',
      text.replace(
        '"ethash":{}',
        '"terminalTotalDifficulty":58750000000000000000000,"text \\"12345678901234567890":1',
      ),
    );
  });

  it('may leave out all but config, gas limit, difficulty and alloc', () => {
    const chain = chainFromGenesis(
      { config: { chainId: 7 }, gasLimit: 1, difficulty: 2, alloc: {} },
      nobleCrypto,
    );
    expect(decodeHeader(chain.genesisHeader)).toMatchObject({
      timestamp: 0n,
      gasLimit: 1n,
      difficulty: 2n,
      extraData: hex(''),
    });
  });

  const good = genesisAt('prague');
  const alloc = (address: string, account: unknown): GenesisFile =>
    genesisAt('prague', { alloc: { [address]: account } });
  const address = '0x00000000000000000000000000000000000000a1';
  const config = (changes: object): GenesisFile => ({ ...good, config: { ...good.config, ...changes } });

  it.each<[string, unknown, string]>([
    ['no JSON', '{"config": ', 'not JSON'],
    ['no object', '[]', 'no JSON object'],
    ['null', null, 'no JSON object'],
    ['no config', { ...good, config: undefined }, 'config: is missing'],
    ['config that is a list', { ...good, config: [] }, 'config: no object'],
    ['no chain id', config({ chainId: undefined }), 'config.chainId: is missing'],
    ['a negative chain id', config({ chainId: -1 }), 'config.chainId: no unsigned integer'],
    ['a fork that is text', config({ cancunTime: 'soon' }), 'config.cancunTime: no unsigned integer'],
    ['half a block', config({ londonBlock: 0.5 }), 'config.londonBlock: no unsigned integer'],
    [
      'forks with one between missing',
      config({ cancunTime: undefined }),
      'config.cancunTime: is not active in block 0',
    ],
    ['a binary trie', config({ enableUBTAtGenesis: true }), 'config.enableUBTAtGenesis'],
    [
      'a flag that is none',
      config({ enableUBTAtGenesis: 1 }),
      'config.enableUBTAtGenesis: neither true nor false',
    ],
    ['no gas limit', { ...good, gasLimit: undefined }, 'gasLimit: is missing'],
    [
      'a gas limit of 65 bits',
      { ...good, gasLimit: '0x10000000000000000' },
      'gasLimit: does not fit into 64 bits',
    ],
    [
      'a gas limit that was rounded',
      { ...good, gasLimit: 2 ** 60 },
      'gasLimit: no unsigned integer (write long ones',
    ],
    ['no difficulty', { ...good, difficulty: undefined }, 'difficulty: is missing'],
    [
      'difficulty of 81 bits',
      { ...good, difficulty: `0x1${'0'.repeat(20)}` },
      'difficulty: does not fit into 80 bits',
    ],
    ['no alloc', { ...good, alloc: undefined }, 'alloc: is missing'],
    ['a short mixHash', { ...good, mixHash: '0x00' }, 'mixHash: 32 bytes wanted, 1 given'],
    ['a mixHash that is a number', { ...good, mixHash: 0 }, 'mixHash: no text'],
    [
      'extra data with an odd digit',
      { ...good, extraData: '0x123' },
      'extraData: hex: an odd number of digits',
    ],
    ['too much extra data', { ...good, extraData: '00'.repeat(102_401) }, 'extraData: at most 102400 bytes'],
    ['a block that is not the first', { ...good, number: '0x1' }, 'number: is not 0'],
    [
      'blob gas before Cancun',
      genesisAt('shanghai', { excessBlobGas: 1 }),
      'excessBlobGas: is set before Cancun',
    ],
    ['a short address', alloc('0xa1', { balance: 1 }), 'alloc.0xa1: the name has not 20 bytes'],
    ['an address that is none', alloc('main', { balance: 1 }), 'alloc.main: hex'],
    ['an account that is a number', alloc(address, 5), `alloc.${address}: no object`],
    ['no balance', alloc(address, { nonce: 1 }), `alloc.${address}.balance: is missing`],
    [
      'a balance of 257 bits',
      alloc(address, { balance: `0x1${'0'.repeat(64)}` }),
      'balance: does not fit into 256 bits',
    ],
    ['code that is none', alloc(address, { balance: 1, code: '0xzz' }), `alloc.${address}.code: hex`],
    [
      'a long slot',
      alloc(address, { balance: 1, storage: { ['0'.repeat(66)]: '0x01' } }),
      `alloc.${address}.storage.`,
    ],
    [
      'a slot without value',
      alloc(address, { balance: 1, storage: { '0x01': null } }),
      'storage.0x01: is missing',
    ],
    [
      'a slot twice',
      alloc(address, { balance: 1, storage: { '0x01': '0x01', '01': '0x02' } }),
      'the slot comes twice',
    ],
    [
      'an address twice',
      genesisAt('prague', { alloc: { [address]: { balance: 1 }, [address.slice(2)]: { balance: 2 } } }),
      'the address comes twice',
    ],
    [
      '__proto__ as an address',
      `{"config":{"chainId":1},"gasLimit":1,"difficulty":1,"alloc":{"__proto__":{"balance":1}}}`,
      '__proto__',
    ],
  ])('that has %s names the field', (_title, file, says) => {
    const read = (): unknown => chainFromGenesis(file, nobleCrypto);
    expect(read).toThrow(EthError);
    expect(read).toThrow(
      expect.objectContaining({ code: 'ERR_ETH_GENESIS', message: expect.stringContaining(says) }),
    );
  });
});

describe.each(BUILT_IN_CHAINS)('%s', (name) => {
  const chain = builtInChain(name);
  const published = chainVectors().chains[name];
  if (published === undefined) throw new Error('no vector');

  it('has the published genesis, and a header that hashes to it', () => {
    expect(chain.genesisHash).toEqual(hex(published.genesis));
    expect(headerHash(chain.genesisHeader, nobleCrypto)).toEqual(chain.genesisHash);
    expect(chain.genesisTime).toBe(BigInt(published.genesisTime));
    expect(decodeHeader(chain.genesisHeader)).toMatchObject({ number: 0n, timestamp: chain.genesisTime });
  });

  it('has the published ids and forks', () => {
    expect(chain).toMatchObject({
      name,
      chainId: BigInt(published.chainId),
      networkId: BigInt(published.networkId),
    });
    expect(chain.forkBlocks).toEqual(forkList(Object.values(published.forkBlocks).map(BigInt), 0n));
    expect(chain.forkTimes).toEqual(
      forkList(Object.values(published.forkTimes).map(BigInt), chain.genesisTime),
    );
  });
});
