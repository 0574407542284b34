import { sameBytes } from '../codec/index.js';
import type { Hasher } from '../eth/index.js';
import type { Clock } from '../runtime/index.js';
import { Breather } from './breathe.js';
import { faultOf, type PeerBook, type PullPeer } from './pull-peers.js';
import { type ChainStore, MAX_ROLLBACK_BLOCKS } from './store.js';
import { checkLink, type HashedHeader, readHeader, short } from './verify.js';

/** A run of linked headers that follows a stored block. */
export interface Segment {
  /** The stored block that it follows. Below the head: to take the run is a reorganisation. */
  readonly ancestor: HashedHeader;
  /** Rising; at least one. */
  readonly headers: readonly HashedHeader[];
}

export type WalkResult =
  /** `end`: number of the block that the walk began at; the run may end before it. */
  | { readonly outcome: 'segment'; readonly segment: Segment; readonly end: bigint }
  /** Nobody had a header of it. */
  | { readonly outcome: 'unavailable'; readonly says: string }
  /** What the hash stands for is no chain of ours, whoever serves it. */
  | { readonly outcome: 'false'; readonly says: string }
  /** It leaves our chain further back than we go. */
  | { readonly outcome: 'too-deep'; readonly says: string };

/** Headers in one request (geth asks for so many). */
const HEADERS_PER_REQUEST = 512;
/** Below our head, on the way to where the chains part: most reorganisations are shallow. */
const HEADERS_PER_STEP_BACK = 64;
/** What is held of a run, also in numbers: twice its length. Beyond it the upper half is let go, and fetched again in its turn. */
const MAX_HELD_BYTES = 32 * 1024 * 1024;

export interface WalkOptions {
  readonly store: ChainStore;
  readonly book: PeerBook;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Hash of the last block of the run. */
  readonly from: Uint8Array;
  /** Number that this block must have, where somebody said it. */
  readonly number: bigint | undefined;
  /** Whom to ask, best first. */
  readonly peers: readonly PullPeer[];
  /** Length of a run, where the whole way is longer. */
  readonly segmentBlocks: bigint;
  /** Takes the hashes at every `segmentBlocks`th number on the way, so that a long way need not be walked again. */
  readonly checkpoints?: Map<bigint, Uint8Array>;
}

/**
 * Walks back from a hash, parent by parent, to a block that is stored. Each header is checked against the hash that it was
 * asked by: so it does not matter who serves it, and nothing comes of it but what leads to that hash.
 */
export async function walkBack(options: WalkOptions): Promise<WalkResult> {
  const walk = new HeaderWalk(options);
  for (const [place, peer] of options.peers.entries()) {
    const result = await walk.with(peer, place === 0);
    if (result !== undefined) return result;
  }
  return { outcome: 'unavailable', says: `nobody has the header ${short(walk.wanted)}` };
}

class HeaderWalk {
  /** Hash of the header to come. */
  wanted: Uint8Array;
  readonly #options: WalkOptions;
  readonly #breather: Breather;
  /** Falling; the upper part may have been let go. */
  readonly #down: HashedHeader[] = [];
  #heldBytes = 0;
  /** Number of the block that the walk began at. */
  #end: bigint | undefined;

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#breather = new Breather(options.clock, options.signal, 32);
    this.wanted = options.from;
  }

  /** Goes on with this peer. @returns undefined where it cannot help further */
  async with(entry: PullPeer, announcer: boolean): Promise<WalkResult | undefined> {
    const { book, signal } = this.#options;
    while (book.has(entry) && !entry.resting) {
      const amount = this.#amount();
      const query = { origin: this.wanted, amount, skip: 0n, reverse: true };
      const asked = await entry.ask(signal, (o) => entry.peer.headers(query, o));
      if (asked.outcome === 'failed') entry.failed(asked.says);
      if (asked.outcome !== 'answered') return undefined;
      if (asked.answer.length === 0) {
        if (announcer) entry.failed(`it has not the header ${short(this.wanted)}`);
        return undefined;
      }
      if (asked.answer.length > amount) {
        book.expel(entry, `${asked.answer.length} headers where ${amount} were asked for`);
        return undefined;
      }
      for (const raw of asked.answer) {
        if (!sameBytes(this.#options.hasher.keccak256(raw), this.wanted)) {
          book.expel(entry, `a header is not the one that was asked for by its hash ${short(this.wanted)}`);
          return undefined;
        }
        const result = await this.#take(raw.slice()); // a copy: the message that it came in is let go
        if (result !== undefined) return result;
        await this.#breather.worked(1, 'pull');
      }
      entry.succeeded();
    }
    return undefined;
  }

  /** A header that is the wanted one. @returns the end of the walk, if this is it */
  async #take(raw: Uint8Array): Promise<WalkResult | undefined> {
    const { store, hasher, number: expected, checkpoints, segmentBlocks } = this.#options;
    const above = this.#down.at(-1);
    let header: HashedHeader;
    try {
      header = readHeader(raw, hasher);
      if (above !== undefined) checkLink(header, above);
    } catch (error) {
      return { outcome: 'false', says: faultOf(error) };
    }
    const { number } = header.header;
    if (above === undefined && expected !== undefined && number !== expected) {
      return {
        outcome: 'false',
        says: `block ${short(header.hash)} has the number ${number}, not ${expected}`,
      };
    }
    this.#end ??= number;
    this.#hold(header);
    if (number % segmentBlocks === 0n) checkpoints?.set(number, header.hash);
    this.wanted = header.header.parentHash;
    const head = store.head.header.number;
    const parent = number - 1n;
    if (parent > head) return undefined;
    if (number === 0n) return { outcome: 'false', says: 'it begins with another genesis' };
    const stored = await store.hashOf(parent);
    if (stored !== undefined && sameBytes(stored, this.wanted)) return this.#arrived(parent, stored, header);
    if (parent === 0n) return { outcome: 'false', says: 'it begins with another genesis' };
    if (head - parent < MAX_ROLLBACK_BLOCKS) return undefined;
    return {
      outcome: 'too-deep',
      says: `it parts from the stored chain more than ${MAX_ROLLBACK_BLOCKS} blocks back`,
    };
  }

  async #arrived(number: bigint, hash: Uint8Array, child: HashedHeader): Promise<WalkResult> {
    const { store, hasher } = this.#options;
    const raw = await store.headerByHash(hash);
    if (raw === undefined) return { outcome: 'unavailable', says: `block ${number} is not stored any more` };
    const ancestor = readHeader(raw, hasher);
    try {
      checkLink(ancestor, child);
    } catch (error) {
      return { outcome: 'false', says: faultOf(error) };
    }
    const end = this.#end ?? child.header.number;
    return { outcome: 'segment', segment: { ancestor, headers: this.#down.reverse() }, end };
  }

  #hold(header: HashedHeader): void {
    this.#down.push(header);
    this.#heldBytes += header.raw.length;
    const most = 2 * Number(this.#options.segmentBlocks);
    if (this.#down.length <= most && this.#heldBytes <= MAX_HELD_BYTES) return;
    const gone = this.#down.splice(0, this.#down.length >> 1);
    for (const { raw } of gone) this.#heldBytes -= raw.length;
  }

  /** Down to where our chain goes on, as far as is known; below our head in small steps. */
  #amount(): number {
    const head = this.#options.store.head.header.number;
    const above = this.#down.at(-1);
    const next = above === undefined ? this.#options.number : above.header.number - 1n;
    if (next === undefined) return HEADERS_PER_REQUEST;
    const amount = next > head ? next - head : BigInt(HEADERS_PER_STEP_BACK);
    const most = next + 1n < BigInt(HEADERS_PER_REQUEST) ? next + 1n : BigInt(HEADERS_PER_REQUEST);
    return Number(amount < most ? amount : most);
  }
}
