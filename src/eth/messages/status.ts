import { encodeList, encodeUint, type RlpReader } from '../../codec/index.js';
import { EthError } from '../errors.js';
import type { ForkId } from '../fork-id.js';
import type { Status, StatusVersion } from '../status.js';
import { encodeFixed, encodeHash, encodeUint64, HASH_BYTES } from './fields.js';
import { MAX_SMALL_MESSAGE_BYTES, type MessageSpec, messageSpec } from './spec.js';

/** The first message of both sides, sent once. */
export interface StatusMessage {
  readonly name: 'Status';
  readonly status: Status;
}

const FORK_HASH_BYTES = 4;
/** Total difficulty is a uint256. */
export const DIFFICULTY_BYTES = 32;

/** [version, network id, total difficulty, best hash, genesis, fork id] */
export const status68: MessageSpec = messageSpec<StatusMessage>({
  id: 0x00,
  name: 'Status',
  kind: 'status',
  maxBytes: MAX_SMALL_MESSAGE_BYTES,
  maxItems: 6,
  write({ status }) {
    if (status.version !== 68) throw versionMismatch(status.version, 68);
    return [
      encodeUint(68),
      encodeUint64(status.networkId, 'Status.networkId'),
      encodeTotalDifficulty(status.totalDifficulty, 'Status.totalDifficulty'),
      encodeHash(status.bestHash, 'Status.bestHash'),
      encodeHash(status.genesisHash, 'Status.genesisHash'),
      encodeForkId(status.forkId),
    ];
  },
  read(elements) {
    const version = elements.uint32();
    if (version !== 68) throw otherVersion(version, 68);
    const networkId = elements.uint();
    const totalDifficulty = elements.uint(DIFFICULTY_BYTES);
    const bestHash = elements.fixed(HASH_BYTES);
    const genesisHash = elements.fixed(HASH_BYTES);
    const forkId = readForkId(elements);
    return { name: 'Status', status: { version, networkId, totalDifficulty, bestHash, genesisHash, forkId } };
  },
});

/** From eth/69 (EIP-7642): [version, network id, genesis, fork id, earliest, latest, hash of latest] */
export function rangeStatus(version: StatusVersion): MessageSpec {
  return messageSpec<StatusMessage>({
    id: 0x00,
    name: 'Status',
    kind: 'status',
    maxBytes: MAX_SMALL_MESSAGE_BYTES,
    maxItems: 7,
    write({ status }) {
      if (status.version !== version) throw versionMismatch(status.version, version);
      return [
        encodeUint(version),
        encodeUint64(status.networkId, 'Status.networkId'),
        encodeHash(status.genesisHash, 'Status.genesisHash'),
        encodeForkId(status.forkId),
        encodeUint64(status.earliest, 'Status.earliest'),
        encodeUint64(status.latest, 'Status.latest'),
        encodeHash(status.latestHash, 'Status.latestHash'),
      ];
    },
    read(elements) {
      const stated = elements.uint32();
      // A version of the same form is read on: the network id is judged before the version.
      if (!isStatusVersion(stated)) throw otherVersion(stated, version);
      const networkId = elements.uint();
      const genesisHash = elements.fixed(HASH_BYTES);
      const forkId = readForkId(elements);
      const earliest = elements.uint();
      const latest = elements.uint();
      const latestHash = elements.fixed(HASH_BYTES);
      return {
        name: 'Status',
        status: { version: stated, networkId, genesisHash, forkId, earliest, latest, latestHash },
      };
    },
  });
}

/** @throws EthError ERR_ETH_ENCODE outside 256 bits */
export function encodeTotalDifficulty(value: bigint, field: string): Uint8Array {
  if (value < 0n || value >> 256n !== 0n) {
    throw new EthError('ERR_ETH_ENCODE', `${field}: ${value} is no integer of 256 bits`);
  }
  return encodeUint(value);
}

/** [hash, next] (EIP-2124). */
export function encodeForkId(forkId: ForkId): Uint8Array {
  return encodeList([
    encodeFixed(forkId.hash, FORK_HASH_BYTES, 'forkId.hash'),
    encodeUint64(forkId.next, 'forkId.next'),
  ]);
}

export function readForkId(elements: RlpReader): ForkId {
  const list = elements.list();
  const hash = list.fixed(FORK_HASH_BYTES);
  const next = list.uint();
  list.finish();
  return { hash, next };
}

function isStatusVersion(version: number): version is StatusVersion {
  return version >= 69 && version <= 72;
}

function otherVersion(stated: number, agreed: number): EthError {
  return new EthError('ERR_ETH_STATUS_VERSION', `Status: says eth/${stated} where eth/${agreed} was agreed`);
}

function versionMismatch(given: number, version: number): EthError {
  return new EthError('ERR_ETH_ENCODE', `Status: of eth/${given}, cannot be said on eth/${version}`);
}
