import { sameBytes } from '../codec/index.js';
import { type Clock, Listeners, type Logger, silentLogger, type Timer } from '../runtime/index.js';
import { PoolError } from './errors.js';
import { hashKey } from './hash-key.js';
import type { AddOutcome, DroppedTransaction, DropReason, PoolChange } from './pool-change.js';
import { RecentKeys } from './recent-keys.js';
import { outbids } from './replacement.js';
import { type Entry, SenderQueue } from './sender-queue.js';
import { BLOB_TYPE, type PooledTransaction } from './transaction.js';
import { WorthHeap } from './worth-heap.js';

export const DEFAULT_POOL_BYTES: number = 64 * 1024 * 1024;
/** geth's own test sends 2,000 of one sender at once; geth keeps 5,120 of all. */
export const DEFAULT_MAX_PER_SENDER = 4_096;
/** geth, legacypool: Lifetime. */
export const DEFAULT_MAX_AGE_MS: number = 3 * 3_600_000;
/** What a transaction takes of the heap beside its bytes: 1,570 to 1,890 bytes, measured over 100,000 of them. */
export const ENTRY_BYTES = 2_048;
/** The same of each blob, commitment and proof, which are views. */
const VIEW_BYTES = 112;
/** Transactions of blocks that are known not to be wanted again: those of the last hundred blocks or more. */
const MAX_INCLUDED = 32_768;

export interface PoolOptions {
  readonly clock: Pick<Clock, 'now' | 'timer'>;
  readonly logger?: Logger | undefined;
  /** All that the pool may hold, `ENTRY_BYTES` for each transaction included. Default 64 MiB. */
  readonly maxBytes?: number | undefined;
  /** Of that, what blob transactions may take. Default one half. */
  readonly maxBlobBytes?: number | undefined;
  /** Transactions of one sender. Default 4,096. */
  readonly maxPerSender?: number | undefined;
  /** A transaction that nobody includes for so long is let go. Default 3 hours. */
  readonly maxAgeMs?: number | undefined;
}

/**
 * Transactions that wait for a block. Nothing is known of accounts here, so no transaction is called executable or not; the
 * pool is bounded in bytes, and when it is full the cheapest makes room: the sender whose transactions are worth least loses
 * the one with the highest nonce. A transaction is worth the lowest tip of its sender's up to it, so that nobody keeps cheap
 * ones by a dear one behind them, and a lower nonce never goes before a higher one.
 */
export class TransactionPool {
  readonly #clock: Pick<Clock, 'now' | 'timer'>;
  readonly #maxBytes: number;
  readonly #maxBlobBytes: number;
  readonly #maxPerSender: number;
  readonly #maxAgeMs: number;
  /** In the order of arrival. */
  readonly #entries = new Map<string, Entry>();
  readonly #senders = new Map<string, SenderQueue>();
  /** Senders whose last transaction has no blobs, and those whose last one has. */
  readonly #plain = new WorthHeap();
  readonly #blobs = new WorthHeap();
  readonly #included = new RecentKeys(MAX_INCLUDED);
  readonly #listeners: Listeners<PoolChange>;
  #expiry: Timer | undefined;
  #baseFee = 0n;
  #bytes = 0;
  #blobBytes = 0;
  #order = 0;

  /** @throws PoolError ERR_POOL_ARGUMENT for a limit that is no number above 0 */
  constructor(options: PoolOptions) {
    const { maxBytes = DEFAULT_POOL_BYTES } = options;
    this.#clock = options.clock;
    const { logger = silentLogger } = options;
    this.#listeners = new Listeners((err) =>
      logger.error({ err }, 'a listener of the transaction pool failed'),
    );
    this.#maxBytes = limit('maxBytes', maxBytes);
    this.#maxBlobBytes = limit('maxBlobBytes', options.maxBlobBytes ?? maxBytes / 2);
    this.#maxPerSender = limit('maxPerSender', options.maxPerSender ?? DEFAULT_MAX_PER_SENDER);
    this.#maxAgeMs = limit('maxAgeMs', options.maxAgeMs ?? DEFAULT_MAX_AGE_MS);
  }

  /** How many transactions. */
  get size(): number {
    return this.#entries.size;
  }

  /** What they take, `ENTRY_BYTES` each included: at most `maxBytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of `bytes`, what blob transactions take. */
  get blobBytes(): number {
    return this.#blobBytes;
  }

  /** @param hash 32 bytes */
  has(hash: Uint8Array): boolean {
    return this.#entries.has(hashKey(hash));
  }

  get(hash: Uint8Array): PooledTransaction | undefined {
    return this.#entries.get(hashKey(hash))?.transaction;
  }

  /** Whether it is of no use to get it: it is in the pool, or was in a block. */
  knows(hash: Uint8Array): boolean {
    const key = hashKey(hash);
    return this.#entries.has(key) || this.#included.has(key);
  }

  /** In the order of arrival. */
  *hashes(): IterableIterator<Uint8Array> {
    for (const { transaction } of this.#entries.values()) yield transaction.hash;
  }

  /** In the order of arrival. */
  *transactions(): IterableIterator<PooledTransaction> {
    for (const { transaction } of this.#entries.values()) yield transaction;
  }

  /** Takes a transaction that has been checked, or says why not. */
  add(transaction: PooledTransaction): AddOutcome {
    const key = hashKey(transaction.hash);
    if (this.#entries.has(key)) return 'known';
    if (this.#included.has(key)) return 'included';
    const queue = this.#queueOf(transaction);
    const standing = queue.withNonce(transaction.nonce);
    if (standing !== undefined && !outbids(transaction, standing.transaction)) return 'underpriced';
    const overfull = standing === undefined && queue.length >= this.#maxPerSender ? queue.last : undefined;
    if (overfull !== undefined && overfull.transaction.nonce < transaction.nonce) return 'sender-full';
    const entry = this.#entryOf(transaction, key);
    const leaving = standing ?? overfull;
    const evicted = this.#makeRoom(queue, entry, leaving);
    if (evicted === undefined) return 'full';
    this.#keep(entry, leaving === undefined ? evicted : [leaving, ...evicted]);
    const dropped = evicted.map((gone) => dropOf(gone, 'evicted'));
    if (leaving !== undefined)
      dropped.unshift(dropOf(leaving, leaving === standing ? 'replaced' : 'evicted'));
    this.#listeners.tell({ added: [transaction], dropped });
    return standing === undefined ? 'added' : 'replaced';
  }

  /** @returns whether it was there */
  remove(hash: Uint8Array): boolean {
    const entry = this.#entries.get(hashKey(hash));
    if (entry === undefined) return false;
    this.#drop([dropOf(entry, 'removed')], [entry]);
    return true;
  }

  /**
   * Lets go of what a block includes, and of all that those senders have with lower nonces. Hashes that are not in the pool
   * are remembered, too (the last 32,768), so that nobody gets them again.
   */
  forget(hashes: Iterable<Uint8Array>): void {
    const entries = new Map<Entry, DropReason>();
    for (const hash of hashes) {
      const key = hashKey(hash);
      this.#included.add(key);
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      const { transaction } = entry;
      for (const stale of this.#queueOf(transaction).below(transaction.nonce))
        if (!entries.has(stale)) entries.set(stale, 'stale');
      entries.set(entry, 'included');
    }
    if (entries.size === 0) return;
    this.#drop(
      [...entries].map(([entry, why]) => dropOf(entry, why)),
      entries.keys(),
    );
  }

  /** Blocks have left the chain: what they included may be wanted again. */
  reorganised(): void {
    this.#included.clear();
  }

  /** A new head: what a transaction pays beyond the base fee is what it is worth. */
  setBaseFee(baseFee: bigint): void {
    if (baseFee === this.#baseFee) return;
    this.#baseFee = baseFee;
    for (const entry of this.#entries.values()) entry.tip = tipOf(entry.transaction, baseFee);
    for (const queue of this.#senders.values()) queue.weigh();
    this.#plain.rebuild();
    this.#blobs.rebuild();
  }

  /**
   * Calls `listener` after every call that changed the pool, before that call returns.
   * @returns ends that
   */
  subscribe(listener: (change: PoolChange) => void): () => void {
    const own = (change: PoolChange): void => listener(change);
    return this.#listeners.add(own);
  }

  /** Lets go of everything, without a word to anybody. */
  close(): void {
    this.#listeners.clear();
    this.#expiry?.cancel();
    this.#expiry = undefined;
    for (const entry of [...this.#entries.values()]) this.#forgetEntry(entry);
  }

  #entryOf(transaction: PooledTransaction, key: string): Entry {
    const bytes = bytesHeld(transaction);
    const tip = tipOf(transaction, this.#baseFee);
    const addedAtMs = this.#clock.now();
    return { transaction, key, bytes, addedAtMs, order: this.#order++, tip, worth: tip };
  }

  /**
   * Puts an entry into its queue and takes others out of theirs, until all fits.
   * @param leaving goes in any case
   * @returns those that went beside it; undefined where the entry is not worth it: then nothing has changed
   */
  #makeRoom(queue: SenderQueue, entry: Entry, leaving: Entry | undefined): readonly Entry[] | undefined {
    if (leaving !== undefined) queue.remove(leaving);
    queue.put(entry);
    this.#settle(queue);
    let bytes = this.#bytes + entry.bytes - (leaving?.bytes ?? 0);
    let blobBytes = this.#blobBytes + blobBytesOf(entry) - blobBytesOf(leaving);
    const evicted: Entry[] = [];
    while (bytes > this.#maxBytes || blobBytes > this.#maxBlobBytes) {
      const victim = this.#cheapest(blobBytes > this.#maxBlobBytes);
      if (victim === undefined || !makesWay(victim, entry)) {
        this.#undo(queue, entry, leaving, evicted);
        return undefined;
      }
      this.#takeOut(victim);
      evicted.push(victim);
      bytes -= victim.bytes;
      blobBytes -= blobBytesOf(victim);
    }
    return evicted;
  }

  #undo(queue: SenderQueue, entry: Entry, leaving: Entry | undefined, evicted: readonly Entry[]): void {
    queue.remove(entry);
    this.#settle(queue);
    for (const back of leaving === undefined ? evicted : [leaving, ...evicted]) {
      const its = this.#queueOf(back.transaction);
      its.put(back);
      this.#settle(its);
    }
  }

  /** That of the sender, or a new one that counts once it is settled. */
  #queueOf({ sender }: PooledTransaction): SenderQueue {
    const key = hashKey(sender);
    return this.#senders.get(key) ?? new SenderQueue(key);
  }

  /** The last transaction of the sender whose worth is least. */
  #cheapest(withBlobs: boolean): Entry | undefined {
    const blob = this.#blobs.first?.last;
    const plain = withBlobs ? undefined : this.#plain.first?.last;
    if (blob === undefined || plain === undefined) return blob ?? plain;
    return plain.worth < blob.worth ? plain : blob;
  }

  #keep(entry: Entry, gone: readonly Entry[]): void {
    for (const old of gone) this.#uncount(old);
    this.#entries.set(entry.key, entry);
    this.#bytes += entry.bytes;
    this.#blobBytes += blobBytesOf(entry);
    this.#expiry ??= this.#clock.timer(this.#maxAgeMs, () => this.#expire());
  }

  #drop(dropped: readonly DroppedTransaction[], entries: Iterable<Entry>): void {
    for (const entry of entries) this.#forgetEntry(entry);
    this.#listeners.tell({ added: [], dropped });
  }

  #forgetEntry(entry: Entry): void {
    this.#takeOut(entry);
    this.#uncount(entry);
  }

  #takeOut(entry: Entry): void {
    const queue = this.#queueOf(entry.transaction);
    queue.remove(entry);
    this.#settle(queue);
  }

  #uncount(entry: Entry): void {
    this.#entries.delete(entry.key);
    this.#bytes -= entry.bytes;
    this.#blobBytes -= blobBytesOf(entry);
  }

  /** A queue belongs into the heap of its last transaction, and nowhere once it is empty. */
  #settle(queue: SenderQueue): void {
    const { last } = queue;
    const wanted = last?.transaction.type === BLOB_TYPE ? this.#blobs : this.#plain;
    const other = wanted === this.#blobs ? this.#plain : this.#blobs;
    other.remove(queue);
    if (last === undefined) {
      wanted.remove(queue);
      this.#senders.delete(queue.sender);
    } else {
      wanted.settle(queue);
      this.#senders.set(queue.sender, queue);
    }
  }

  #expire(): void {
    this.#expiry = undefined;
    const now = this.#clock.now();
    const old: Entry[] = [];
    for (const entry of this.#entries.values()) {
      const leftMs = entry.addedAtMs + this.#maxAgeMs - now;
      if (leftMs > 0) {
        this.#expiry = this.#clock.timer(leftMs, () => this.#expire());
        break;
      }
      old.push(entry);
    }
    if (old.length > 0)
      this.#drop(
        old.map((entry) => dropOf(entry, 'expired')),
        old,
      );
  }
}

function dropOf({ transaction }: Entry, why: DropReason): DroppedTransaction {
  return { transaction, why };
}

/** Whether `victim` is worth less than `entry`, or cannot be had without it. */
function makesWay(victim: Entry, entry: Entry): boolean {
  if (victim === entry) return false;
  return victim.worth < entry.worth || sameBytes(victim.transaction.sender, entry.transaction.sender);
}

function bytesHeld({ raw, network, sidecar }: PooledTransaction): number {
  const bytes = ENTRY_BYTES + network.length;
  if (sidecar === undefined) return bytes;
  const { blobs, commitments, proofs } = sidecar;
  return bytes + raw.length + VIEW_BYTES * (blobs.length + commitments.length + proofs.length);
}

function blobBytesOf(entry: Entry | undefined): number {
  return entry?.transaction.type === BLOB_TYPE ? entry.bytes : 0;
}

/** What a block producer gets per gas; below 0 where the transaction does not pay the base fee. */
function tipOf({ gasFeeCap, gasTipCap }: PooledTransaction, baseFee: bigint): number {
  const room = gasFeeCap - baseFee;
  return Number(room < gasTipCap ? room : gasTipCap);
}

function limit(name: string, value: number): number {
  if (value > 0) return value;
  throw new PoolError('ERR_POOL_ARGUMENT', `${name}: ${value} is no number above 0`);
}
