import type { Clock } from '../runtime/index.js';
import { PoolError } from './errors.js';
import { BLOB_TYPE, type PooledTransaction } from './transaction.js';

/** Transactions that wait to be looked at, of all peers together and of one. What comes beyond is let go and counted. */
export const MAX_INTAKE_BYTES: number = 16 * 1024 * 1024;
export const MAX_PEER_INTAKE_BYTES: number = 4 * 1024 * 1024;
/** Read in one turn of the loop: a signature takes 0.06 ms with a native curve, 1.5 ms in plain JavaScript. */
const TURN_TRANSACTIONS = 8;
/** What is being fetched, proven or asked of somebody else at the same time; others wait in their order. */
const MAX_SLOW = 16;
const MAX_SLOW_WAITING = 4_096;

/** A transaction that came from somewhere. */
export interface Offer {
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** As it stands in a message: a list, or a byte string that begins with the type. */
  readonly item: Uint8Array;
  /** The session that it came from; undefined: from ourselves. */
  readonly from: string | undefined;
  /** Whether it was asked for. */
  readonly asked: boolean;
  /** Whether its blobs were left out, as from eth/72 on. */
  readonly elided: boolean;
  /** Whether the judge has it already, and so need not be asked. */
  readonly judged?: boolean;
}

/**
 * What became of an offer. accepted: it is new and in the pool. refused: it is not wanted here, and will not be in the next
 * minutes. breach: no correct node sends this. dropped: it was not looked at to the end, and may come again.
 */
export type Intake =
  | { readonly outcome: 'accepted'; readonly transaction: PooledTransaction }
  | { readonly outcome: 'refused' | 'breach' | 'dropped'; readonly says: string; readonly cause?: unknown };

export interface IntakeOptions {
  readonly clock: Pick<Clock, 'soon'>;
  /** @throws PoolError */
  readonly read: (offer: Offer) => PooledTransaction;
  /** Whether it may enter a block, as far as one can tell without state. @throws PoolError */
  readonly check: (transaction: PooledTransaction) => void;
  /**
   * Gets the blobs that were left out: ways to put them in, of which one should fit. @throws PoolError; anything else drops
   * the transaction
   */
  readonly complete: (
    transaction: PooledTransaction,
    offer: Offer,
    signal: AbortSignal,
  ) => Promise<readonly PooledTransaction[]>;
  /** Whether the blobs are those of the commitments. */
  readonly prove: (transaction: PooledTransaction, signal: AbortSignal) => Promise<boolean>;
  /** Whether somebody else, an execution client, takes it; undefined where nobody is asked. */
  readonly judge?:
    | ((transaction: PooledTransaction, signal: AbortSignal) => Promise<JudgeVerdict>)
    | undefined;
  /** @returns undefined where it is in the pool now; else why not */
  readonly add: (transaction: PooledTransaction) => string | undefined;
  /** Told of every offer that was taken, once. */
  readonly done: (offer: Offer, intake: Intake) => void;
  readonly maxBytes?: number;
  readonly maxPeerBytes?: number;
}

export type JudgeVerdict =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly why: string; readonly judged: boolean };

/**
 * The way of a transaction into the pool: read, checked, where it has blobs completed and proven, judged by somebody else
 * where there is one, added. A bounded number of bytes waits; work is done a few transactions at a time, so that a flood of
 * them delays nobody; what takes long never holds up what does not.
 */
export class TransactionIntake {
  readonly #options: IntakeOptions;
  readonly #gone = new AbortController();
  /** By the session that they came from, which take turns. */
  readonly #waiting = new Map<string | undefined, Offer[]>();
  readonly #slow: (() => Promise<void>)[] = [];
  readonly #heldBy = new Map<string, number>();
  #bytes = 0;
  #slowRunning = 0;
  #working = false;
  #dropped = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Bytes of transactions that are held, from the offer to the end of it. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Offers that found no room. */
  get dropped(): number {
    return this.#dropped;
  }

  /** @returns whether it is taken; then `done` tells what became of it */
  offer(offer: Offer): boolean {
    const { maxBytes = MAX_INTAKE_BYTES, maxPeerBytes = MAX_PEER_INTAKE_BYTES } = this.#options;
    const bytes = offer.item.length;
    const held = offer.from === undefined ? 0 : (this.#heldBy.get(offer.from) ?? 0);
    const full = this.#bytes + bytes > maxBytes || (offer.from !== undefined && held + bytes > maxPeerBytes);
    if (full || this.#gone.signal.aborted) {
      this.#dropped++;
      return false;
    }
    this.#bytes += bytes;
    if (offer.from !== undefined) this.#heldBy.set(offer.from, held + bytes);
    const own = { ...offer, hash: offer.hash.slice(), item: offer.item.slice() }; // the message is only lent
    const queue = this.#waiting.get(offer.from);
    if (queue === undefined) this.#waiting.set(offer.from, [own]);
    else queue.push(own);
    this.#plan();
    return true;
  }

  /** What has not been decided is let go; nothing is told any more. */
  close(): void {
    this.#gone.abort();
    this.#waiting.clear();
    this.#slow.length = 0;
    this.#heldBy.clear();
    this.#bytes = 0;
  }

  #plan(): void {
    if (this.#working || this.#gone.signal.aborted) return;
    this.#working = true;
    this.#options.clock.soon(() => {
      this.#working = false;
      for (let left = TURN_TRANSACTIONS; left > 0; left--) {
        const offer = this.#next();
        if (offer === undefined) return;
        this.#begin(offer);
      }
      if (this.#waiting.size > 0) this.#plan();
    });
  }

  /** The oldest of the session whose turn it is. */
  #next(): Offer | undefined {
    const [turn] = this.#waiting;
    if (turn === undefined) return undefined;
    const [from, queue] = turn;
    const offer = queue.shift();
    this.#waiting.delete(from);
    if (queue.length > 0) this.#waiting.set(from, queue);
    return offer;
  }

  #begin(offer: Offer): void {
    const { read, check } = this.#options;
    const judge = offer.judged === true ? undefined : this.#options.judge;
    let transaction: PooledTransaction;
    try {
      transaction = read(offer);
      check(transaction);
    } catch (error) {
      this.#end(offer, intakeOf(error));
      return;
    }
    if (transaction.type !== BLOB_TYPE && judge === undefined) this.#add(offer, transaction);
    else if (this.#slow.length >= MAX_SLOW_WAITING)
      this.#end(offer, { outcome: 'dropped', says: 'too many are being looked at' });
    else {
      this.#slow.push(() => this.#goOn(offer, transaction));
      this.#advance();
    }
  }

  #advance(): void {
    while (this.#slowRunning < MAX_SLOW) {
      const next = this.#slow.shift();
      if (next === undefined) return;
      this.#slowRunning++;
      void next().then(() => {
        this.#slowRunning--;
        this.#advance();
      });
    }
  }

  async #goOn(offer: Offer, readable: PooledTransaction): Promise<void> {
    const examined = await this.#examine(offer, readable);
    if ('outcome' in examined) this.#end(offer, examined);
    else this.#add(offer, examined);
  }

  /** @returns the transaction, whole and good; or what is wrong */
  async #examine(offer: Offer, readable: PooledTransaction): Promise<PooledTransaction | Intake> {
    const { complete, prove } = this.#options;
    const judge = offer.judged === true ? undefined : this.#options.judge;
    const { signal } = this.#gone;
    let transaction: PooledTransaction | undefined = readable;
    try {
      if (transaction.type === BLOB_TYPE) {
        const candidates = offer.elided ? await complete(transaction, offer, signal) : [transaction];
        transaction = undefined;
        for (const candidate of candidates)
          if (transaction === undefined && (await prove(candidate, signal))) transaction = candidate;
        if (transaction === undefined)
          return { outcome: 'breach', says: 'sent blobs that do not fit their commitments' };
      }
      const verdict = await judge?.(transaction, signal);
      if (verdict === undefined || verdict.accepted) return transaction;
      const { why, judged } = verdict;
      return { outcome: judged ? 'refused' : 'dropped', says: why };
    } catch (error) {
      return intakeOf(error);
    }
  }

  #add(offer: Offer, transaction: PooledTransaction): void {
    if (this.#gone.signal.aborted) return;
    const why = this.#options.add(transaction);
    this.#end(
      offer,
      why === undefined ? { outcome: 'accepted', transaction } : { outcome: 'refused', says: why },
    );
  }

  #end(offer: Offer, intake: Intake): void {
    if (this.#gone.signal.aborted) return;
    const bytes = offer.item.length;
    this.#bytes -= bytes;
    if (offer.from !== undefined) {
      const held = (this.#heldBy.get(offer.from) ?? 0) - bytes;
      if (held > 0) this.#heldBy.set(offer.from, held);
      else this.#heldBy.delete(offer.from);
    }
    this.#options.done(offer, intake);
  }
}

function intakeOf(cause: unknown): Intake {
  const says = cause instanceof Error ? cause.message : String(cause);
  const undecided = !(cause instanceof PoolError) || cause.code === 'ERR_POOL_VERIFIER';
  if (undecided) return { outcome: 'dropped', says, cause };
  return { outcome: cause.reason === undefined ? 'refused' : 'breach', says, cause };
}
