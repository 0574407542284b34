import type { RlpxCrypto } from '../crypto/crypto.js';
import type { Clock } from '../runtime/clock.js';
import type { Random } from '../runtime/random.js';
import { type FreshKey, freshKey } from './fresh-key.js';

/** Enough for the dials and strangers of one moment; each takes 20 to 170 µs to make. */
const MAX_PREPARED = 16;

/**
 * Keys whose public points were computed while the loop had nothing to do, so that a handshake need not wait for that: three of
 * its points, of which one or two lie on its way. Where the clock knows no idle time (all that is simulated), each is made as
 * it is asked for.
 */
export class EphemeralKeys {
  readonly #crypto: RlpxCrypto;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #max: number;
  readonly #prepared: FreshKey[] = [];
  readonly #prepare = (): void => this.#prepareOne();
  #planned = false;
  #closed = false;

  constructor(crypto: RlpxCrypto, random: Random, clock: Clock, max: number = MAX_PREPARED) {
    this.#crypto = crypto;
    this.#random = random;
    this.#clock = clock;
    this.#max = max;
  }

  /** Gauge: how many are ready. */
  get prepared(): number {
    return this.#prepared.length;
  }

  /** @returns a key that nobody else was given, the oldest that is ready or a new one */
  take(): FreshKey {
    const key = this.#prepared.shift() ?? this.#make();
    this.#plan();
    return key;
  }

  /** Forgets all that are ready; none is prepared any more. */
  close(): void {
    this.#closed = true;
    for (const { secretKey } of this.#prepared.splice(0)) secretKey.fill(0);
  }

  #plan(): void {
    if (this.#planned || this.#closed || this.#clock.whenIdle === undefined) return;
    this.#planned = true;
    this.#clock.whenIdle(this.#prepare);
  }

  /** One at a time: what comes in meanwhile waits for no more than that. */
  #prepareOne(): void {
    this.#planned = false;
    if (this.#closed || this.#prepared.length >= this.#max) return;
    this.#prepared.push(this.#make());
    if (this.#prepared.length < this.#max) this.#plan();
  }

  #make(): FreshKey {
    return freshKey(this.#crypto, this.#random);
  }
}
