import { ChainError, exportChain } from '../chain/index.js';
import { bytesToHex } from '../codec/index.js';
import type { Logger, World } from '../runtime/index.js';
import type { GivenChain } from './chain-choice.js';
import { createNode } from './create-node.js';
import type { GivenCrypto } from './crypto-choice.js';
import { withKept } from './kept.js';
import type { RlpxdNode } from './node.js';
import { pause } from './pause.js';
import type { PullOptions, PullOutcome } from './pulling.js';

export interface PullChainOptions extends PullOptions {
  /** Enode URLs of whom to pull from. */
  readonly peers: readonly string[];
  readonly datadir: string;
  /** Keep bodies and receipts of so many of the latest blocks only; all. */
  readonly keep?: number | undefined;
  readonly chain?: GivenChain | undefined;
  readonly ethVersions?: readonly number[] | undefined;
  /** A file to write the chain to afterwards, as `geth export` does. */
  readonly exportTo?: string | undefined;
  /** Told of what goes wrong on the way and does not end the pull. */
  readonly onTrouble?: ((says: string) => void) | undefined;
  /** The cryptographic back end, or its name; the fastest that works. */
  readonly crypto?: GivenCrypto | undefined;
  readonly world?: World | undefined;
  readonly logger?: Logger | undefined;
}

export interface PullChainResult {
  readonly result: PullOutcome;
  readonly exported?: { readonly blocks: number; readonly bytes: number };
}

/** None of the peers can be pulled from; the message has the last that was heard of each. */
export class PullError extends Error {
  override readonly name = 'PullError';
  readonly code = 'ERR_NODE_PULL';
}

/** A peer is given up after so many dials in a row; the waits between them are 1 s and 2 s. */
const MAX_DIALS = 3;
/** So long one peer waits for the others to come, so that the pull does not end at the head of the first. */
const GATHER_MS = 5_000;
/** For peers that are there and of no use yet: geth needs some seconds after its start before it answers. */
const PATIENCE_MS = 60_000;

/**
 * Starts a node in a datadir for one pull, and ends it: what `rlpxd pull` does.
 * @throws PullError ERR_NODE_PULL where no peer is left; ChainError; as `createNode`. What was stored stays.
 */
export async function pullChain(options: PullChainOptions): Promise<PullChainResult> {
  const { peers, to, onProgress, exportTo } = options;
  const node = await createNode({
    ...options,
    maxPeers: peers.length,
    maxPendingPeers: Math.max(1, peers.length),
    dialRatio: 1, // all slots are for peers that we dial
    pull: false,
  });
  const lost = new AbortController();
  const watch = watchPeers(node, options, (says) => lost.abort(new PullError(says)));
  try {
    const signals = options.signal === undefined ? [lost.signal] : [lost.signal, options.signal];
    const signal = AbortSignal.any(signals);
    await watch.gathered(signal);
    const result = await node.pull({ to, onProgress, signal, patienceMs: options.patienceMs ?? PATIENCE_MS });
    watch.end(); // who goes now is not missed
    if (exportTo === undefined) return { result };
    return { result, exported: await exportStore(node, exportTo, options) };
  } catch (error) {
    if (lost.signal.aborted) throw lost.signal.reason;
    if (options.signal?.aborted === true && error instanceof ChainError) {
      const says = `interrupted; up to block ${node.store.range().latest} it is kept, and goes on from there next time`;
      throw new ChainError('ERR_CHAIN_ABORTED', says, { cause: error });
    }
    if (error instanceof ChainError && error.code === 'ERR_CHAIN_NO_PEERS') {
      const heard = watch.heard();
      if (heard !== '') throw new ChainError(error.code, `${error.message} (${heard})`, { cause: error });
    }
    throw withKept(error, node.store);
  } finally {
    watch.end();
    await node.close();
  }
}

async function exportStore(
  node: RlpxdNode,
  path: string,
  { signal }: PullChainOptions,
): Promise<{ blocks: number; bytes: number }> {
  const { blocks, bytes } = await exportChain(
    node.store,
    node.world.files,
    path,
    signal === undefined ? {} : { signal },
  );
  return { blocks: Number(blocks), bytes };
}

interface PeerWatch {
  /** The last that was heard of those who are not there. */
  heard(): string;
  /** Resolves when of each peer something was heard: that there is a session, or that there is none. After a while in any case. */
  gathered(signal: AbortSignal): Promise<void>;
  /** Idempotent. */
  end(): void;
}

/** Calls `lost` once there is no session, and no peer that it would be worth waiting for. */
function watchPeers(node: RlpxdNode, options: PullChainOptions, lost: (says: string) => void): PeerWatch {
  const given = new Set(node.config.peers.map(({ publicKey }) => bytesToHex(publicKey)));
  /** Given up. */
  const gone = new Set<string>();
  const heard = new Map<string, string>();
  const silent = new Set(given);
  const all = new AbortController();
  const heardOf = (key: string): void => {
    if (silent.delete(key) && silent.size === 0) all.abort();
  };
  const words = (): string => [...new Set(heard.values())].join('; ');
  const lies = new Map<string, string>();
  const ends = [
    node.on('session.active', ({ session }) => {
      const key = bytesToHex(session.publicKey);
      gone.delete(key);
      heard.delete(key);
      heardOf(key);
    }),
    node.on('peer.misbehaved', ({ session, says }) => {
      lies.set(bytesToHex(session.publicKey), says);
      options.onTrouble?.(`${session.remote.client} gave false data: ${says}`);
    }),
    node.on('peer.waiting', ({ publicKey, wait }) => {
      const key = bytesToHex(publicKey);
      heard.set(key, lies.get(key) ?? wait.says ?? wait.failure);
      heardOf(key);
      if (wait.failures < MAX_DIALS && wait.failure !== 'unsuitable') return;
      gone.add(key);
      if (gone.size === given.size) lost(words());
    }),
  ];
  return {
    heard: words,
    gathered: (signal) => pause(node.world.clock, GATHER_MS, AbortSignal.any([signal, all.signal])),
    end: () => {
      for (const end of ends) end();
    },
  };
}
