import {
  type ChainPeer,
  ChainPuller,
  type ChainStore,
  type PullProgress as Progress,
} from '../chain/index.js';
import { hexToBytes, prefixedHex } from '../codec/index.js';
import type { Hasher } from '../eth/index.js';
import type { Clock, Logger } from '../runtime/index.js';
import type { Session, SessionManager } from '../session/index.js';
import { chainPeer } from './chain-peer.js';
import { ConfigError } from './errors.js';
import { roundedMs } from './milliseconds.js';

/** The last block of a pull, by number or by hash (32 bytes, or 64 hex digits); a hash pins the chain. */
export type PullTarget = { readonly number: number | bigint } | { readonly hash: string | Uint8Array };

export interface PullOptions {
  /** Where to end; without it, the head of the best peer. */
  readonly to?: PullTarget | undefined;
  /** Go on with whatever the peers get beyond it, until `signal` aborts; false. */
  readonly follow?: boolean | undefined;
  /** Give up after so many milliseconds without a peer that could help; never. */
  readonly patienceMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
}

/** How far a pull is. Plain data, ready for JSON. */
export interface PullProgress {
  /** The last block that is stored. */
  readonly head: number;
  /** 0x and 64 hex digits. */
  readonly hash: string;
  /** The block that it goes to, where that is known. */
  readonly target?: number;
  /** Blocks, and bytes of their contents, since the pull began. */
  readonly blocks: number;
  readonly bytes: number;
  readonly peers: number;
}

/** What a pull came to. Plain data, ready for JSON. */
export interface PullOutcome {
  readonly head: number;
  /** 0x and 64 hex digits. */
  readonly hash: string;
  readonly blocks: number;
  readonly bytes: number;
  readonly ms: number;
  /** How often stored blocks gave way to others. */
  readonly reorganisations: number;
  /** Blocks that had been stored without their receipts, and have them now; blocks that still lack theirs. */
  readonly receiptsFilled: number;
  readonly receiptsMissing: number;
  /** Peers that are on another chain than the one that was taken, and the first block that they differ in. */
  readonly conflicts: readonly { readonly peer: string; readonly number: number }[];
}

export interface PullParts extends PullOptions {
  readonly sessions: SessionManager;
  readonly store: ChainStore;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The pull has reached its target; a pull that follows tells it each time that it has caught up. */
  readonly onDone?: (outcome: PullOutcome) => void;
  /** A peer gave false data; its session ends. */
  readonly lied: (session: Session, says: string) => void;
}

/** Fills the store from the peers of all sessions, present and to come. @throws ChainError, as `ChainPuller.run` */
export async function pullFromSessions(parts: PullParts): Promise<PullOutcome> {
  const { store, clock, hasher, logger, to, signal, follow, patienceMs } = parts;
  const began = clock.now();
  const puller = new ChainPuller({
    ...{ store, clock, hasher, logger },
    ...(to === undefined ? {} : { target: targetOf(to) }),
    onProgress: (at) => {
      parts.onProgress?.(plainProgress(at));
      if (follow === true && at.head === at.target)
        parts.onDone?.(caughtUp(at, store.receiptsMissing, clock.now() - began));
    },
  });
  const { known, leave } = introduceSessions(puller, parts);
  try {
    await known;
    const result = await puller.run({
      ...(signal === undefined ? {} : { signal }),
      ...(patienceMs === undefined ? {} : { patienceMs }),
      follow: follow === true,
    });
    const conflicts = result.conflicts.map(({ peer, number }) => ({ peer, number: Number(number) }));
    const [head, hash, ms] = [Number(result.head), prefixedHex(result.hash), roundedMs(result.ms)];
    const outcome = { ...result, head, hash, ms, conflicts };
    parts.onDone?.(outcome);
    return outcome;
  } finally {
    leave();
  }
}

/**
 * Sessions become peers of the pull as they come.
 * @returns `known`, resolved when those that were there have become peers; and what ends it
 */
function introduceSessions(
  puller: ChainPuller,
  { sessions, lied, logger }: PullParts,
): { readonly known: Promise<unknown>; readonly leave: () => void } {
  const peers = new Map<string, ChainPeer>();
  let over = false;
  const add = (session: Session): Promise<void> =>
    chainPeer(session, (says) => lied(session, says)).then(
      (peer) => {
        if (over || peer.gone.aborted) return;
        peers.set(session.id, peer);
        puller.addPeer(peer);
      },
      (error: unknown) => logger.debug({ session: session.id, cause: error }, 'a peer cannot be pulled from'),
    );
  const known = Promise.all(sessions.active().map(add));
  const ends = [
    sessions.on('activated', ({ session }) => void add(session)),
    sessions.on('range', () => puller.peerRangeChanged()),
    sessions.on('closed', ({ session }) => peers.delete(session.id)), // the puller sees `gone`
  ];
  const leave = (): void => {
    over = true;
    for (const end of ends) end();
    for (const peer of peers.values()) puller.removePeer(peer);
  };
  return { known, leave };
}

function targetOf(to: PullTarget): bigint | Uint8Array {
  if ('hash' in to) {
    const hash = typeof to.hash === 'string' ? hexToBytes(to.hash) : to.hash;
    if (hash.length === 32) return hash;
    throw new ConfigError('ERR_CONFIG_VALUE', 'to', `to: a hash has 32 bytes, this one ${hash.length}`);
  }
  const number = BigInt(to.number);
  if (number >= 0n && number < 2n ** 64n) return number;
  throw new ConfigError('ERR_CONFIG_VALUE', 'to', `to: ${number} is no block number`);
}

function plainProgress({ head, hash, target, blocks, bytes, peers }: Progress): PullProgress {
  const known = target === undefined ? {} : { target: Number(target) };
  return { head: Number(head), hash: prefixedHex(hash), ...known, blocks, bytes, peers };
}

function caughtUp({ head, hash, blocks, bytes }: Progress, receiptsMissing: number, ms: number): PullOutcome {
  const none = { reorganisations: 0, receiptsFilled: 0, conflicts: [] };
  const counts = { blocks, bytes, ms: roundedMs(ms), receiptsMissing, ...none };
  return { head: Number(head), hash: prefixedHex(hash), ...counts };
}
