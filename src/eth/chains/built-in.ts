import { hexToBytes } from '../../codec/index.js';
import { EMPTY_LIST_HASH, EMPTY_TRIE_ROOT } from '../empty-hashes.js';
import { type BlockHeader, encodeHeader } from '../header.js';
import type { ChainSpec } from './chain-spec.js';

export type BuiltInChain = 'mainnet' | 'sepolia' | 'hoodi';

export const BUILT_IN_CHAINS: readonly BuiltInChain[] = ['mainnet', 'sepolia', 'hoodi'];

/** Published parameters of a network, as of August 2026. */
interface Parameters {
  readonly chainId: bigint;
  readonly genesisHash: string;
  readonly genesis: Partial<BlockHeader>;
  readonly forkBlocks: readonly bigint[];
  readonly forkTimes: readonly bigint[];
  readonly osakaTime: bigint;
}

const parameters: Readonly<Record<BuiltInChain, Parameters>> = {
  mainnet: {
    chainId: 1n,
    genesisHash: 'd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3',
    genesis: {
      stateRoot: hexToBytes('d7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544'),
      difficulty: 0x4_0000_0000n,
      gasLimit: 5_000n,
      extraData: hexToBytes('11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa'),
      nonce: hexToBytes('0000000000000042'),
    },
    forkBlocks: [
      1_150_000n, // Homestead
      1_920_000n, // DAO
      2_463_000n, // Tangerine Whistle
      2_675_000n, // Spurious Dragon
      4_370_000n, // Byzantium
      7_280_000n, // Constantinople, Petersburg
      9_069_000n, // Istanbul
      9_200_000n, // Muir Glacier
      12_244_000n, // Berlin
      12_965_000n, // London
      13_773_000n, // Arrow Glacier
      15_050_000n, // Gray Glacier
    ],
    forkTimes: [
      1_681_338_455n, // Shanghai
      1_710_338_135n, // Cancun
      1_746_612_311n, // Prague
      1_764_798_551n, // Osaka
      1_765_290_071n, // blob parameters 1
      1_767_747_671n, // blob parameters 2
    ],
    osakaTime: 1_764_798_551n,
  },
  sepolia: {
    chainId: 11_155_111n,
    genesisHash: '25a5cc106eea7138acab33231d7160d69cb777ee0c2c553fcddf5138993e6dd9',
    genesis: {
      stateRoot: hexToBytes('5eb6e371a698b8d68f665192350ffcecbbbf322916f4b51bd79bb6887da3f494'),
      difficulty: 0x20000n,
      gasLimit: 30_000_000n,
      timestamp: 1_633_267_481n,
      extraData: hexToBytes('5365706f6c69612c20417468656e732c204174746963612c2047726565636521'),
      baseFeePerGas: 1_000_000_000n,
    },
    forkBlocks: [1_735_371n], // the split after the merge; all before are in the genesis
    forkTimes: [
      1_677_557_088n, // Shanghai
      1_706_655_072n, // Cancun
      1_741_159_776n, // Prague
      1_760_427_360n, // Osaka
      1_761_017_184n, // blob parameters 1
      1_761_607_008n, // blob parameters 2
    ],
    osakaTime: 1_760_427_360n,
  },
  hoodi: {
    chainId: 560_048n,
    genesisHash: 'bbe312868b376a3001692a646dd2d7d1e4406380dfd86b98aa8a34d1557c971b',
    genesis: {
      stateRoot: hexToBytes('da87d7f5f91c51508791bbcbd4aa5baf04917830b86985eeb9ad3d5bfb657576'),
      difficulty: 1n,
      gasLimit: 36_000_000n,
      timestamp: 1_742_212_800n,
      nonce: hexToBytes('0000000000001234'),
      baseFeePerGas: 1_000_000_000n,
      withdrawalsRoot: EMPTY_TRIE_ROOT,
      blobGasUsed: 0n,
      excessBlobGas: 0n,
      parentBeaconBlockRoot: new Uint8Array(32),
    },
    forkBlocks: [],
    forkTimes: [
      1_742_999_832n, // Prague
      1_761_677_592n, // Osaka
      1_762_365_720n, // blob parameters 1
      1_762_955_544n, // blob parameters 2
    ],
    osakaTime: 1_761_677_592n,
  },
};

/** What every header of a block 0 has, where its network says nothing else. */
const blank: BlockHeader = {
  parentHash: new Uint8Array(32),
  unclesHash: EMPTY_LIST_HASH,
  beneficiary: new Uint8Array(20),
  stateRoot: EMPTY_TRIE_ROOT,
  transactionsRoot: EMPTY_TRIE_ROOT,
  receiptsRoot: EMPTY_TRIE_ROOT,
  logsBloom: new Uint8Array(256),
  difficulty: 0n,
  number: 0n,
  gasLimit: 0n,
  gasUsed: 0n,
  timestamp: 0n,
  extraData: new Uint8Array(0),
  mixHash: new Uint8Array(32),
  nonce: new Uint8Array(8),
};

/** A public network: that its header has its hash is tested, not computed. */
export function builtInChain(name: BuiltInChain): ChainSpec {
  const { chainId, genesisHash, genesis, forkBlocks, forkTimes, osakaTime } = parameters[name];
  const header: BlockHeader = { ...blank, ...genesis };
  return {
    name,
    chainId,
    networkId: chainId,
    genesisHash: hexToBytes(genesisHash),
    genesisHeader: encodeHeader(header),
    genesisTime: header.timestamp,
    forkBlocks,
    forkTimes,
    osakaTime,
  };
}
