import type { PartKind } from './pull-peers.js';
import { EMPTY_LIST, type EmptyRoots, emptyBody, type HashedHeader, hasBody, hasReceipts } from './verify.js';

export const PART_KINDS: readonly PartKind[] = ['body', 'receipts', 'accessList'];

export interface PlanLimits {
  /** Blocks beyond the last stored one that may be asked for. */
  readonly windowBlocks: number;
  /** Bytes of parts that wait for an earlier block; above it only the earliest missing block is asked for. */
  readonly bufferedBytes: number;
}

/** A block with those of its parts that were asked for and came. */
export interface PlannedBlock {
  readonly header: HashedHeader;
  readonly body: Uint8Array | undefined;
  readonly receipts: Uint8Array | undefined;
  readonly accessList: Uint8Array | undefined;
}

const MISSING = 0;
const ASKED = 1;
const HERE = 2;

interface Parts {
  /** Of each block: MISSING, ASKED or HERE. */
  readonly states: Uint8Array;
  readonly bytes: (Uint8Array | undefined)[];
  /** Nothing before it is MISSING. */
  from: number;
}

/**
 * What is still to be fetched of a run of blocks whose headers are known, and what has come. Knows no peers and no time:
 * blocks are named by their position in the run. What a header shows to be empty is here from the start.
 */
export class SegmentPlan {
  readonly headers: readonly HashedHeader[];
  readonly #limits: PlanLimits;
  readonly #parts: Readonly<Record<PartKind, Parts>>;
  #stored = 0;
  #ready = 0;
  #bufferedBytes = 0;

  /** @param kinds what is to be fetched; by default everything */
  constructor(
    headers: readonly HashedHeader[],
    empty: EmptyRoots,
    limits: PlanLimits,
    kinds: readonly PartKind[] = PART_KINDS,
  ) {
    this.headers = headers;
    this.#limits = limits;
    this.#parts = {
      body: parts(headers.length),
      receipts: parts(headers.length),
      accessList: parts(headers.length),
    };
    headers.forEach(({ header }, at) => {
      if (kinds.includes('body') && !hasBody(header, empty)) this.#settle('body', at, emptyBody(header));
      if (!hasReceipts(header, empty)) this.#settle('receipts', at, EMPTY_LIST);
      if (header.blockAccessListHash === undefined) this.#settle('accessList', at, undefined);
      for (const kind of PART_KINDS) if (!kinds.includes(kind)) this.#settle(kind, at, undefined);
    });
    this.#advance();
  }

  /** All blocks have been taken. */
  get done(): boolean {
    return this.#stored === this.headers.length;
  }

  /** Position after the blocks that have been taken. */
  get stored(): number {
    return this.#stored;
  }

  /** Position of the first block that is not whole: what everything waits for. */
  get gap(): number {
    return this.#ready;
  }

  /** Of parts that are here and not taken, those included that were made from an empty root. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  isMissing(kind: PartKind, at: number): boolean {
    return this.#parts[kind].states[at] === MISSING;
  }

  /**
   * Up to `max` blocks that a part is missing of, in order, now marked as asked for.
   * @param may whether the peer in question can be asked for a block
   */
  assign(kind: PartKind, max: number, may: (at: number) => boolean): number[] {
    const { states } = this.#parts[kind];
    const full = this.#bufferedBytes >= this.#limits.bufferedBytes;
    const end = full ? this.#ready + 1 : this.#stored + this.#limits.windowBlocks;
    const assigned: number[] = [];
    for (
      let at = this.#firstMissing(kind);
      at < Math.min(end, states.length) && assigned.length < max;
      at++
    ) {
      if (states[at] !== MISSING || !may(at)) continue;
      states[at] = ASKED;
      assigned.push(at);
    }
    return assigned;
  }

  /** It did not come: to be asked for again. */
  giveBack(kind: PartKind, at: number): void {
    const part = this.#parts[kind];
    if (part.states[at] !== ASKED) return;
    part.states[at] = MISSING;
    part.from = Math.min(part.from, at);
  }

  /** A verified part has come. Without bytes: it is done without. */
  put(kind: PartKind, at: number, bytes: Uint8Array | undefined): void {
    if (this.#parts[kind].states[at] === HERE) return;
    this.#settle(kind, at, bytes);
    this.#advance();
  }

  /** Whole blocks that follow what has been taken, up to so many and about so many bytes. */
  ready(maxBlocks: number, maxBytes: number): PlannedBlock[] {
    const blocks: PlannedBlock[] = [];
    let bytes = 0;
    for (let at = this.#stored; at < this.#ready && blocks.length < maxBlocks && bytes < maxBytes; at++) {
      const block = this.#block(at);
      blocks.push(block);
      bytes += blockBytes(block);
    }
    return blocks;
  }

  /** The first `count` blocks that `ready` handed out are kept elsewhere now. */
  taken(count: number): void {
    for (let at = this.#stored; at < this.#stored + count; at++) {
      for (const kind of PART_KINDS) {
        const { bytes } = this.#parts[kind];
        this.#bufferedBytes -= bytes[at]?.length ?? 0;
        bytes[at] = undefined;
      }
    }
    this.#stored += count;
  }

  #block(at: number): PlannedBlock {
    const header = this.headers[at];
    if (header === undefined) throw new RangeError(`no block at ${at}`);
    const { body, receipts, accessList } = this.#parts;
    return {
      header,
      body: body.bytes[at],
      receipts: receipts.bytes[at],
      accessList: accessList.bytes[at],
    };
  }

  #settle(kind: PartKind, at: number, bytes: Uint8Array | undefined): void {
    const part = this.#parts[kind];
    part.states[at] = HERE;
    part.bytes[at] = bytes;
    this.#bufferedBytes += bytes?.length ?? 0;
  }

  /** Moves the gap past blocks that are whole by now. */
  #advance(): void {
    const { body, receipts, accessList } = this.#parts;
    const whole = (at: number): boolean =>
      body.states[at] === HERE && receipts.states[at] === HERE && accessList.states[at] === HERE;
    while (this.#ready < this.headers.length && whole(this.#ready)) this.#ready++;
  }

  #firstMissing(kind: PartKind): number {
    const part = this.#parts[kind];
    while (part.from < part.states.length && part.states[part.from] !== MISSING) part.from++;
    return part.from;
  }
}

/** Bytes that a block takes in the store, about. */
export function blockBytes({ header, body, receipts, accessList }: PlannedBlock): number {
  return header.raw.length + (body?.length ?? 0) + (receipts?.length ?? 0) + (accessList?.length ?? 0);
}

function parts(count: number): Parts {
  return {
    states: new Uint8Array(count),
    bytes: new Array<Uint8Array | undefined>(count).fill(undefined),
    from: 0,
  };
}
