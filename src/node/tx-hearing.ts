import {
  EthError,
  type EthMessage,
  type Hasher,
  type NewBlockHashes,
  type NewPooledTransactionHashes,
  type Transactions,
  transactionEnvelope,
  transactionHash,
  transactionType,
} from '../eth/index.js';
import { type Announced, BLOB_TYPE, DATA_MASK, hashKey, readAnnouncement } from '../pool/index.js';
import type { Clock } from '../runtime/index.js';
import { Bucket, type Session } from '../session/index.js';
import type { NetworkFeeds } from './tx-feeds.js';

/**
 * What a peer may say: so many hashes a second on the average, and at first as many as geth tells a new peer of. A transaction
 * counts as eight of them, since its signature takes 50 µs to 2 ms. The whole network makes some 30 a second.
 */
const HEARD_PER_SECOND = 4_096;
const HEARD_BURST_MS = 8_000;
const TRANSACTION_COST = 8;
/** Of one message of whole transactions (geth packs 100 KiB); what is beyond is let go. */
const MAX_SENT_BYTES = 1_048_576;
/** Blocks in one announcement of eth/68: more are a breach, and of these so many are shown. */
const MAX_ANNOUNCED_BLOCKS = 4_096;
const MAX_SHOWN_BLOCKS = 16;

export interface TransactionHearingOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly hasher: Hasher;
  readonly feeds: NetworkFeeds;
  /** A whole transaction, as it stands in a message. */
  readonly sent: (session: Session, hash: Uint8Array, item: Uint8Array) => void;
  readonly announced: (session: Session, entries: readonly Announced[]) => void;
}

/** Reads what peers say unasked, as much of it as they may say. */
export class TransactionHearing {
  readonly #options: TransactionHearingOptions;
  /** How much each session may still say, by its id. */
  readonly #mayTell = new Map<string, Bucket>();
  #unheard = 0;

  constructor(options: TransactionHearingOptions) {
    this.#options = options;
  }

  /** Messages that were not read, since their sender had said too much. */
  get unheard(): number {
    return this.#unheard;
  }

  ended(id: string): void {
    this.#mayTell.delete(id);
  }

  /** @returns what no correct peer says; undefined where it said nothing of that kind */
  heard(message: EthMessage, session: Session): string | undefined {
    const nowMs = this.#options.clock.now();
    let mayTell = this.#mayTell.get(session.id);
    if (mayTell === undefined) {
      mayTell = new Bucket(HEARD_PER_SECOND, HEARD_BURST_MS, nowMs);
      this.#mayTell.set(session.id, mayTell);
    }
    if (mayTell.debt(nowMs) > 0) {
      this.#unheard++;
      return undefined;
    }
    mayTell.take(nowMs, itemsOf(message));
    try {
      if (message.name === 'Transactions') return this.#sent(message, session);
      if (message.name === 'NewPooledTransactionHashes') return this.#announced(message, session);
      return message.name === 'NewBlockHashes' ? this.#blocks(message, session) : undefined;
    } catch (error) {
      if (error instanceof EthError) return error.message;
      throw error;
    }
  }

  #sent({ transactions }: Transactions, session: Session): string | undefined {
    const { hasher, feeds, sent } = this.#options;
    const seen = new Set<string>();
    let bytes = 0;
    for (const item of transactions) {
      bytes += item.length;
      if (bytes > MAX_SENT_BYTES) break;
      const type = transactionType(item);
      if (type === BLOB_TYPE) return 'broadcast a blob transaction';
      const hash = transactionHash(item, hasher);
      const key = hashKey(hash);
      if (seen.has(key)) return 'sent the same transaction twice in one message';
      seen.add(key);
      feeds.transaction(key, session.id, hash, type, transactionEnvelope(item).length);
      sent(session, hash, item);
    }
    return undefined;
  }

  #announced(message: NewPooledTransactionHashes, session: Session): string | undefined {
    const reading = readAnnouncement(message);
    if ('breach' in reading) return reading.breach;
    const { feeds, announced } = this.#options;
    for (const { hash, type, bytes } of reading.announced)
      feeds.transaction(hashKey(hash), session.id, hash, type, bytes);
    const { mask } = message;
    const hasBlobs = mask === undefined || DATA_MASK.every((bits, i) => ((mask[i] ?? 0) & bits) === bits);
    // without the first half of its cells a blob is of no use to us: nobody is asked to restore it
    announced(
      session,
      hasBlobs ? reading.announced : reading.announced.filter(({ type }) => type !== BLOB_TYPE),
    );
    return undefined;
  }

  /** eth/68 only, and since the merge nobody sends it. What it says is shown, and asked for by nobody. */
  #blocks({ blocks }: NewBlockHashes, session: Session): string | undefined {
    if (blocks.length > MAX_ANNOUNCED_BLOCKS) return `announced ${blocks.length} blocks at once`;
    for (const { number, hash } of blocks.slice(0, MAX_SHOWN_BLOCKS))
      this.#options.feeds.block(session.id, number, hash);
    return undefined;
  }
}

/** What a message costs of what a peer may say. */
function itemsOf(message: EthMessage): number {
  if (message.name === 'Transactions') return TRANSACTION_COST * message.transactions.length;
  if (message.name === 'NewPooledTransactionHashes') return message.hashes.length;
  return message.name === 'NewBlockHashes' ? message.blocks.length : 1;
}
