import type { EthGossip, Hasher } from '../eth/index.js';
import {
  type Broadcast,
  type BroadcastMessage,
  type BroadcastOptions,
  type BroadcastOutcome,
  type BroadcastPart,
  type BroadcastResult,
  hashesIn,
} from './broadcast.js';
import type { EthTable } from './eth-table.js';
import type { Session } from './handle.js';
import { type KnownKeys, KnownSet } from './known-set.js';
import type { Outbound } from './lane.js';
import type { Outgoing } from './outgoing.js';

/**
 * Received transactions are hashed up to so many bytes of a message, which is five times what geth packs into one; what is
 * beyond it costs us nothing and is at worst said back.
 */
export const MAX_HASHED_BYTES: number = 512 * 1024;

/** Which transactions a peer has, as far as we know: what it sent, and what it was sent. */
export interface KnownTransactions {
  readonly size: number;
  /** @param hash 32 bytes. A hash that is not known is taken for known once in 2^47 times. */
  has(hash: Uint8Array): boolean;
  /** The oldest of 32,768 makes way. @param hash 32 bytes @returns whether it was new */
  add(hash: Uint8Array): boolean;
}

export interface BroadcastsOptions {
  readonly protocol: EthTable;
  readonly outgoing: Pick<Outgoing, 'broadcast'>;
  readonly hasher: Hasher;
  readonly keys: KnownKeys;
}

/** What is said unasked on one session, and what the peer is known to have heard of. */
export class Broadcasts {
  readonly #options: BroadcastsOptions;
  readonly #known: KnownSet;

  constructor(options: BroadcastsOptions) {
    this.#options = options;
    this.#known = new KnownSet(options.keys);
  }

  get known(): KnownTransactions {
    return this.#known;
  }

  /** @returns what the peer gets, or why nothing. Nothing has changed. @throws EthError */
  plan(broadcast: Broadcast, { repeat = false }: BroadcastOptions): BroadcastPart | BroadcastOutcome {
    return broadcast.for(this.#options.protocol, repeat ? undefined : this.#known);
  }

  /** Sends it, or lets it wait; from then on the peer is known to have it. */
  say(part: BroadcastPart): ReturnType<Outgoing['broadcast']> {
    const { packed, items, hashes, announcement } = part;
    if (hashes !== undefined) {
      const prints = part.prints ?? this.#known.printsOf(hashes);
      for (let i = 0; i < hashes.length; i++) this.#known.addPrint(prints, i);
    }
    return this.#options.outgoing.broadcast(packed, items, { hashes, announcement });
  }

  /** The peer has said this. @throws EthError ERR_ETH_DECODE for what cannot be a transaction */
  heard(message: EthGossip): void {
    for (const hash of hashesIn(message, this.#options.hasher, MAX_HASHED_BYTES) ?? []) this.#known.add(hash);
  }

  /** It made way in the lane: the peer will not hear of it. */
  dropped({ hashes }: Outbound): void {
    for (const hash of hashes ?? []) this.#known.delete(hash);
  }

  end(): void {
    this.#known.clear();
  }
}

/** A session as a broadcast needs it. */
interface Listener extends Session {
  planBroadcast(broadcast: Broadcast, options: BroadcastOptions): BroadcastPart | BroadcastOutcome;
  broadcast(part: BroadcastPart, name: BroadcastMessage['name']): ReturnType<Outgoing['broadcast']>;
}

/** All is encoded before anything is sent, so that what cannot be said reaches nobody. */
export function broadcastTo(
  sessions: readonly Listener[],
  broadcast: Broadcast,
  options: BroadcastOptions,
): readonly BroadcastResult[] {
  const plans = sessions.map((session) => ({ session, plan: session.planBroadcast(broadcast, options) }));
  return plans.map(({ session, plan }) => {
    if (typeof plan !== 'object') return { session, outcome: plan, items: 0, dropped: 0 };
    return { session, items: plan.items, ...session.broadcast(plan, broadcast.message.name) };
  });
}
