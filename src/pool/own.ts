import { hashKey } from './hash-key.js';

/** Own transactions whose fate is remembered; the oldest are forgotten first. */
export const MAX_OWN = 1_024;
/** Peers in the report of one transaction. */
const MAX_REPORTED_PEERS = 256;

/** What one peer was told of an own transaction, and what it did. There is no acknowledgement in eth. */
export interface PeerReport {
  /** Its node id: 32 bytes. */
  readonly nodeId: Uint8Array;
  readonly sent: boolean;
  readonly announced: boolean;
  /** It asked for it: then it did not have it, and wants it. */
  readonly askedFor: boolean;
  /** It announced or sent it to us: then it has it. */
  readonly seenBack: boolean;
}

export interface OwnReport {
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** In the order in which they were told. */
  readonly peers: readonly PeerReport[];
}

/** What can happen to an own transaction at one peer. */
export type OwnEvent = 'sent' | 'announced' | 'askedFor' | 'seenBack';

type Mutable<T> = { -readonly [name in keyof T]: T[name] };

interface Own {
  readonly hash: Uint8Array;
  readonly peers: Map<string, Mutable<PeerReport>>;
}

/** Follows our own transactions through the peers. */
export class OwnTransactions {
  readonly #own = new Map<string, Own>();

  get size(): number {
    return this.#own.size;
  }

  has(hash: Uint8Array): boolean {
    return this.#own.size > 0 && this.#own.has(hashKey(hash));
  }

  add(hash: Uint8Array): void {
    const key = hashKey(hash);
    if (this.#own.has(key)) return;
    this.#own.set(key, { hash: hash.slice(), peers: new Map() });
    const [oldest] = this.#own.keys();
    if (this.#own.size > MAX_OWN && oldest !== undefined) this.#own.delete(oldest);
  }

  /** @param peer its node id */
  note(hash: Uint8Array, peer: Uint8Array, event: OwnEvent): void {
    if (this.#own.size === 0) return;
    const own = this.#own.get(hashKey(hash));
    if (own === undefined) return;
    const key = hashKey(peer);
    let report = own.peers.get(key);
    if (report === undefined) {
      if (own.peers.size >= MAX_REPORTED_PEERS) return;
      report = { nodeId: peer.slice(), sent: false, announced: false, askedFor: false, seenBack: false };
      own.peers.set(key, report);
    }
    report[event] = true;
  }

  /** @returns undefined for what is not ours, or was forgotten */
  report(hash: Uint8Array): OwnReport | undefined {
    const own = this.#own.get(hashKey(hash));
    if (own === undefined) return undefined;
    return { hash: own.hash, peers: [...own.peers.values()].map((peer) => ({ ...peer })) };
  }
}
