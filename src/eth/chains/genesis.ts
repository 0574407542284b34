import { writeUint64 } from '../../codec/index.js';
import { EMPTY_LIST_HASH, EMPTY_REQUESTS_HASH, EMPTY_TRIE_ROOT } from '../empty-hashes.js';
import type { Hasher } from '../hasher.js';
import { type BlockHeader, encodeHeader, headerHash, MAX_EXTRA_BYTES } from '../header.js';
import { type ChainSpec, forkList } from './chain-spec.js';
import { GenesisReader, parseGenesis } from './genesis-reader.js';
import { genesisStateRoot } from './genesis-state.js';

/** Fields of `config` that make up the fork id: all that go-ethereum v1.17.5 knows, and no others. */
const BLOCK_FORKS: readonly string[] = [
  'homesteadBlock',
  'daoForkBlock',
  'eip150Block',
  'eip155Block',
  'eip158Block',
  'byzantiumBlock',
  'constantinopleBlock',
  'petersburgBlock',
  'istanbulBlock',
  'muirGlacierBlock',
  'berlinBlock',
  'londonBlock',
  'arrowGlacierBlock',
  'grayGlacierBlock',
  'mergeNetsplitBlock',
];
const TIME_FORKS: readonly string[] = [
  'shanghaiTime',
  'cancunTime',
  'pragueTime',
  'osakaTime',
  'bpo1Time',
  'bpo2Time',
  'bpo3Time',
  'bpo4Time',
  'bpo5Time',
  'amsterdamTime',
  'bogotaTime',
  'ubtTime',
];

/** Forks that gave the header new fields, after London. */
const FORKS_WITH_FIELDS: readonly string[] = ['shanghaiTime', 'cancunTime', 'pragueTime', 'amsterdamTime'];

/** What geth takes where the gas limit of a genesis is 0. */
const DEFAULT_GAS_LIMIT = 4_712_388n;
/** EIP-1559 */
const INITIAL_BASE_FEE = 1_000_000_000n;

/**
 * The chain of a geth `genesis.json`: its header with the state root of `alloc`, its hash, its forks. Numbers may be JSON
 * numbers, decimal or hexadecimal text; what the file says beyond is not looked at.
 * @param json text, or what JSON.parse made of it: then integers above 2^53 must be text
 * @throws EthError ERR_ETH_GENESIS, naming the field
 */
export function chainFromGenesis(json: unknown, hasher: Hasher): ChainSpec {
  const genesis = new GenesisReader(typeof json === 'string' ? parseGenesis(json) : json);
  const config = genesis.object('config');
  const chainId = config.uint('chainId', 64);
  if (config.flag('enableUBTAtGenesis')) {
    throw config.fault('enableUBTAtGenesis', 'a binary state trie is not supported');
  }
  const forks = new Map<string, bigint>();
  for (const name of [...BLOCK_FORKS, ...TIME_FORKS]) {
    const at = config.optionalUint(name, 64);
    if (at !== undefined) forks.set(name, at);
  }
  const header = genesisHeader(genesis, forks, hasher);
  const raw = encodeHeader(header);
  const osakaTime = forks.get('osakaTime');
  const chosen = (names: readonly string[]) => names.flatMap((name) => forks.get(name) ?? []);
  return {
    name: `chain-${chainId}`,
    chainId,
    networkId: chainId,
    genesisHash: headerHash(raw, hasher),
    genesisHeader: raw,
    genesisTime: header.timestamp,
    forkBlocks: forkList(chosen(BLOCK_FORKS), 0n),
    forkTimes: forkList(chosen(TIME_FORKS), header.timestamp),
    ...(osakaTime === undefined ? {} : { osakaTime }),
  };
}

function genesisHeader(
  genesis: GenesisReader,
  forks: ReadonlyMap<string, bigint>,
  hasher: Hasher,
): BlockHeader {
  if (genesis.has('number') && genesis.uint('number', 64) !== 0n) throw genesis.fault('number', 'is not 0');
  const gasLimit = genesis.uint('gasLimit', 64);
  const difficulty = genesis.uint('difficulty', 256);
  if (difficulty >> 80n !== 0n) throw genesis.fault('difficulty', 'does not fit into 80 bits');
  const timestamp = genesis.optionalUint('timestamp', 64) ?? 0n;
  return {
    parentHash: genesis.fixed('parentHash', 32),
    unclesHash: EMPTY_LIST_HASH,
    beneficiary: genesis.fixed('coinbase', 20),
    stateRoot: genesisStateRoot(genesis.object('alloc'), hasher),
    transactionsRoot: EMPTY_TRIE_ROOT,
    receiptsRoot: EMPTY_TRIE_ROOT,
    logsBloom: new Uint8Array(256),
    difficulty,
    number: 0n,
    gasLimit: gasLimit === 0n ? DEFAULT_GAS_LIMIT : gasLimit,
    gasUsed: genesis.optionalUint('gasUsed', 64) ?? 0n,
    timestamp,
    extraData: genesis.bytes('extraData', MAX_EXTRA_BYTES),
    mixHash: genesis.fixed('mixHash', 32),
    nonce: bigEndian64(genesis.optionalUint('nonce', 64) ?? 0n),
    ...forkFields(genesis, forks, timestamp),
  };
}

/** The fields that a block 0 has from the forks that are active in it. */
function forkFields(
  genesis: GenesisReader,
  forks: ReadonlyMap<string, bigint>,
  timestamp: bigint,
): Partial<BlockHeader> {
  const baseFeePerGas = genesis.optionalUint('baseFeePerGas', 256);
  const london = forks.get('londonBlock') === 0n;
  const active = (fork: string): boolean => london && (forks.get(fork) ?? timestamp + 1n) <= timestamp;
  // The fields of a fork stand behind those of the forks before it: none can be passed over.
  const [shanghai, cancun, prague, amsterdam] = FORKS_WITH_FIELDS.map(active);
  FORKS_WITH_FIELDS.forEach((fork, i) => {
    const before = FORKS_WITH_FIELDS[i - 1];
    if (before === undefined || !active(fork) || active(before)) return;
    throw genesis.object('config').fault(before, `is not active in block 0, but ${fork} is`);
  });
  const blobGas = (name: 'blobGasUsed' | 'excessBlobGas'): bigint => genesis.optionalUint(name, 64) ?? 0n;
  if (!cancun && blobGas('excessBlobGas') !== 0n)
    throw genesis.fault('excessBlobGas', 'is set before Cancun');
  return {
    ...(london || baseFeePerGas !== undefined ? { baseFeePerGas: baseFeePerGas ?? INITIAL_BASE_FEE } : {}),
    ...(shanghai ? { withdrawalsRoot: EMPTY_TRIE_ROOT } : {}),
    ...(cancun
      ? {
          blobGasUsed: blobGas('blobGasUsed'),
          excessBlobGas: blobGas('excessBlobGas'),
          parentBeaconBlockRoot: new Uint8Array(32), // block 0 has no parent (EIP-4788)
        }
      : {}),
    ...(prague ? { requestsHash: EMPTY_REQUESTS_HASH } : {}),
    ...(amsterdam
      ? { blockAccessListHash: EMPTY_LIST_HASH, slotNumber: genesis.optionalUint('slotNumber', 64) ?? 0n }
      : {}),
  };
}

function bigEndian64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  writeUint64(bytes, value);
  return bytes;
}
