import { concatBytes } from '../codec/index.js';
import type { Hasher, NewPooledTransactionHashes, Transactions } from '../eth/index.js';
import type { Random } from '../runtime/index.js';
import { ALL_CELLS_MASK } from './cells.js';
import { BLOB_TYPE, fitsVersion, type PooledTransaction, wireItem } from './transaction.js';

/** Larger ones are announced only, whoever the peer is (geth: txMaxBroadcastSize). */
export const MAX_BROADCAST_BYTES = 4_096;
/** Transactions in one message: it is full at so many bytes (geth: maxTxPacketSize). */
export const PACK_BYTES: number = 100 * 1024;
/** Hashes in one announcement (devp2p: the recommended limit is 4,096). */
export const PACK_HASHES = 4_096;
const SECRET_BYTES = 32;

/** A peer as the relay sees it. */
export interface RelayPeer<Peer> {
  readonly peer: Peer;
  /** Of its node id: `RelayChoice.peerWord`. */
  readonly word: number;
  readonly knows: (hash: Uint8Array) => boolean;
}

/** What one peer gets of some new transactions. */
export interface RelayPart<Peer> {
  readonly peer: Peer;
  readonly whole: readonly PooledTransaction[];
  readonly announced: readonly PooledTransaction[];
}

/**
 * Who gets a transaction whole: the square root of the peers, chosen by a secret of this process, the peer and the sender, so
 * that all of one sender's take the same way and nobody can choose to be on it.
 */
export class RelayChoice {
  readonly #hasher: Hasher;
  readonly #secret: Uint8Array;

  constructor(random: Pick<Random, 'bytes'>, hasher: Hasher) {
    this.#hasher = hasher;
    this.#secret = random.bytes(SECRET_BYTES);
  }

  /** A secret number of the peer. @param nodeId 32 bytes */
  peerWord(nodeId: Uint8Array): number {
    return this.#word(nodeId);
  }

  /** The `count` peers that a sender's transactions are sent to. @param sender 20 bytes */
  chosen<Peer>(
    peers: readonly RelayPeer<Peer>[],
    sender: Uint8Array,
    count: number,
  ): ReadonlySet<RelayPeer<Peer>> {
    if (count >= peers.length) return new Set(peers);
    const word = this.#word(sender);
    const ranked = peers.map((peer) => ({ peer, rank: mixed(peer.word ^ word) }));
    ranked.sort((a, b) => a.rank - b.rank);
    return new Set(ranked.slice(0, count).map(({ peer }) => peer));
  }

  #word(bytes: Uint8Array): number {
    const hash = this.#hasher.keccak256(concatBytes([this.#secret, bytes]));
    return new DataView(hash.buffer, hash.byteOffset).getUint32(0);
  }
}

/** @returns for each peer that gets something what it gets; nobody gets what it knows */
export function planRelay<Peer>(
  transactions: readonly PooledTransaction[],
  peers: readonly RelayPeer<Peer>[],
  choice: RelayChoice,
): readonly RelayPart<Peer>[] {
  const count = Math.ceil(Math.sqrt(peers.length));
  const parts = peers.map(({ peer }) => ({
    peer,
    whole: [] as PooledTransaction[],
    announced: [] as PooledTransaction[],
  }));
  for (const transaction of transactions) {
    const mayGoWhole = transaction.type !== BLOB_TYPE && transaction.bytes <= MAX_BROADCAST_BYTES;
    const direct = mayGoWhole ? choice.chosen(peers, transaction.sender, count) : undefined;
    for (const [i, peer] of peers.entries()) {
      if (peer.knows(transaction.hash)) continue;
      const part = parts[i];
      if (direct?.has(peer) === true) part?.whole.push(transaction);
      else part?.announced.push(transaction);
    }
  }
  return parts.filter(({ whole, announced }) => whole.length + announced.length > 0);
}

/** The messages that carry them, none much larger than 100 KiB. @param transactions without blobs */
export function transactionPacks(transactions: readonly PooledTransaction[]): readonly Transactions[] {
  const packs: Transactions[] = [];
  let items: Uint8Array[] = [];
  let bytes = 0;
  for (const transaction of transactions) {
    const item = wireItem(transaction);
    if (bytes > 0 && bytes + item.length > PACK_BYTES) {
      packs.push({ name: 'Transactions', transactions: items });
      items = [];
      bytes = 0;
    }
    items.push(item);
    bytes += item.length;
  }
  if (items.length > 0) packs.push({ name: 'Transactions', transactions: items });
  return packs;
}

/**
 * The messages that announce them. From eth/72 on blob transactions count without their blobs, and stand in messages of
 * their own that say which cells we hold: all.
 */
export function announcementPacks(
  transactions: readonly PooledTransaction[],
  version: number,
): readonly NewPooledTransactionHashes[] {
  if (version < 72) return chunks(transactions).map((chunk) => announcement(chunk, ({ bytes }) => bytes));
  const plain = transactions.filter(({ type }) => type !== BLOB_TYPE);
  const blobs = transactions.filter((one) => one.type === BLOB_TYPE && fitsVersion(one, version));
  return [
    ...chunks(plain).map((chunk) => announcement(chunk, ({ bytes }) => bytes)),
    ...chunks(blobs).map((chunk) => ({
      ...announcement(chunk, ({ bytesWithoutBlobs }) => bytesWithoutBlobs),
      mask: ALL_CELLS_MASK, // what is in our pool is whole
    })),
  ];
}

function announcement(
  transactions: readonly PooledTransaction[],
  size: (transaction: PooledTransaction) => number,
): NewPooledTransactionHashes {
  return {
    name: 'NewPooledTransactionHashes',
    types: Uint8Array.from(transactions, ({ type }) => type),
    sizes: transactions.map(size),
    hashes: transactions.map(({ hash }) => hash),
  };
}

function chunks<T>(items: readonly T[]): readonly (readonly T[])[] {
  const parts: (readonly T[])[] = [];
  for (let at = 0; at < items.length; at += PACK_HASHES) parts.push(items.slice(at, at + PACK_HASHES));
  return parts;
}

/** Spreads the bits of a word over all of it. */
function mixed(word: number): number {
  let mixing = Math.imul(word ^ (word >>> 16), 0x7feb_352d);
  mixing = Math.imul(mixing ^ (mixing >>> 15), 0x846c_a68b);
  return (mixing ^ (mixing >>> 16)) >>> 0;
}
