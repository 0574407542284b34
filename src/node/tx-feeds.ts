import { bytesToHex } from '../codec/index.js';
import { Feed, type Sighting, Sightings } from '../pool/index.js';
import type { Clock } from '../runtime/index.js';

/** A transaction as peers speak of it. */
export interface SeenTransaction {
  /** 32 bytes. */
  readonly hash: Uint8Array;
  readonly type: number;
  /** As it was announced, or as it came. */
  readonly bytes: number;
}

/** A block as peers speak of it. */
export interface SeenBlock {
  readonly number: bigint;
  /** 32 bytes. */
  readonly hash: Uint8Array;
}

/** What the network says, each thing once, a second after it was first said. */
export class NetworkFeeds {
  readonly transactions: Feed<Sighting<SeenTransaction>> = new Feed();
  readonly blocks: Feed<Sighting<SeenBlock>> = new Feed();
  readonly #ended = new AbortController();
  readonly #transactions: Sightings<SeenTransaction>;
  readonly #blocks: Sightings<SeenBlock>;

  constructor(clock: Clock) {
    this.#transactions = new Sightings({ clock, tell: (seen) => this.transactions.push(seen) });
    this.#blocks = new Sightings({ clock, tell: (seen) => this.blocks.push(seen) });
  }

  /** How many different transactions were spoken of. */
  get transactionsSeen(): number {
    return this.#transactions.total;
  }

  /** @param key of the hash @param peer the session that says so */
  transaction(key: string, peer: string, hash: Uint8Array, type: number, bytes: number): void {
    this.#transactions.see(key, peer, () => ({ hash: hash.slice(), type, bytes }));
  }

  block(peer: string, number: bigint, hash: Uint8Array): void {
    this.#blocks.see(bytesToHex(hash), peer, () => ({ number, hash: hash.slice() }));
  }

  /** Aborted when nothing comes any more. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  close(): void {
    this.#ended.abort();
    this.#transactions.close();
    this.#blocks.close();
  }
}
