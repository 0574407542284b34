import { bytesToHex } from '../codec/index.js';
import type { Logger } from '../runtime/index.js';
import type { PeerTrust, PullPeer } from './pull-peers.js';

/** A peer is on another chain than the one that was taken. */
export interface ChainConflict {
  readonly peer: string;
  readonly trust: PeerTrust;
  /** Where they are known to differ. */
  readonly number: bigint;
  /** 32 bytes. */
  readonly theirs: Uint8Array;
  /** 32 bytes. */
  readonly taken: Uint8Array;
}

/** Beyond so many, conflicts are only logged. */
const MAX_CONFLICTS = 64;

/** Who is on another chain, each said once. */
export class Conflicts {
  readonly #logger: Logger;
  readonly #known = new Map<string, ChainConflict>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @param taken what the block has there on the chain that is followed */
  report({ peer }: PullPeer, number: bigint, theirs: Uint8Array, taken: Uint8Array): void {
    const { id, trust } = peer;
    const key = `${id} ${bytesToHex(theirs)}`;
    if (this.#known.has(key)) return;
    const says = { peer: id, trust, number, theirs: bytesToHex(theirs), taken: bytesToHex(taken) };
    this.#logger.warn(says, 'pull: a peer is on another chain');
    if (this.#known.size < MAX_CONFLICTS) this.#known.set(key, { peer: id, trust, number, theirs, taken });
  }

  all(): ChainConflict[] {
    return [...this.#known.values()];
  }

  clear(): void {
    this.#known.clear();
  }
}
