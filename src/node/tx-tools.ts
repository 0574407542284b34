import { prefixedHex } from '../codec/index.js';
import { realWorld } from '../runtime/index.js';
import type { Json } from './json.js';
import { askNode, type LocalNode } from './local-ask.js';
import { pause } from './pause.js';
import { RpcError } from './rpc/index.js';
import { TransactionError } from './tx-desk.js';

/** What one peer was told of a transaction that was sent, and what it did; see `PeerReport`. */
export interface SentPeer {
  readonly nodeId: string;
  readonly sent: boolean;
  readonly announced: boolean;
  readonly askedFor: boolean;
  readonly seenBack: boolean;
}

export interface SentReport {
  readonly hash: string;
  readonly peers: readonly SentPeer[];
}

/** A transaction that was not taken, and why. */
export interface NotSent {
  readonly error: string;
}

/**
 * Has the node that runs in a datadir send transactions, and says what its peers have done with them after a while.
 * @param raws as `eth_sendRawTransaction` takes them
 * @returns for each what became of it
 * @throws TransactionError ERR_NODE_TRANSACTION where no node runs there
 */
export async function sendTransactions(
  raws: readonly Uint8Array[],
  options: LocalNode & { readonly waitMs: number; readonly signal?: AbortSignal | undefined },
): Promise<readonly (SentReport | NotSent)[]> {
  const { waitMs, signal = new AbortController().signal, ...node } = options;
  const taken: (string | NotSent)[] = [];
  for (const raw of raws) {
    const answer = await asked(node, 'rlpxd_send', [prefixedHex(raw)]).catch((error: unknown) => {
      if (error instanceof TransactionError && error.cause !== undefined) return { error: error.message };
      throw error; // nobody is there: that is so for all of them
    });
    const { hash, error } = answer as { readonly hash?: string; readonly error?: string };
    taken.push(hash ?? { error: error ?? '' });
  }
  if (taken.some((one) => typeof one === 'string'))
    await pause((node.world ?? realWorld()).clock, waitMs, signal);
  const reports: (SentReport | NotSent)[] = [];
  for (const one of taken) {
    if (typeof one !== 'string') reports.push(one);
    else reports.push((await asked(node, 'rlpxd_sent', [one])) as unknown as SentReport);
  }
  return reports;
}

/** Some of what the network says. */
export interface Watched {
  readonly items: readonly { readonly [name: string]: Json }[];
  /** What has made way before it was read. */
  readonly lost: number;
}

/**
 * What the peers of the node in a datadir say from now on. Whoever takes the parts slowly loses the oldest items, and is told
 * how many.
 * @throws TransactionError ERR_NODE_TRANSACTION where no node runs there, or it does not look at transactions
 */
export async function* watchNetwork(
  what: 'transactions' | 'blocks',
  options: LocalNode & {
    readonly signal?: AbortSignal | undefined;
    /** Called once, when nothing that comes is missed any more. */
    readonly began?: () => void;
  },
): AsyncGenerator<Watched, void, void> {
  const { signal, began, ...node } = options;
  let from: number | undefined;
  while (signal?.aborted !== true) {
    const wish = from === undefined ? { what } : { what, from };
    const asking = asked(node, 'rlpxd_watch', [wish]);
    const answer = await (signal === undefined ? asking : orAborted(asking, signal));
    if (answer === undefined) return;
    const { items, next, lost } = answer as unknown as Watched & { readonly next: number };
    if (from === undefined) began?.();
    from = next;
    if (items.length > 0 || lost > 0) yield { items, lost };
  }
}

async function asked(node: LocalNode, method: string, params: readonly Json[]): Promise<Json> {
  try {
    const answer = await askNode(node, method, params);
    if (answer !== undefined) return answer;
  } catch (error) {
    if (error instanceof RpcError) throw new TransactionError(error.message, { cause: error });
    throw error;
  }
  throw new TransactionError(`no node runs in ${node.datadir}`);
}

/** @returns undefined where the signal was first; then nobody waits for the answer */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  let stop = (): void => undefined;
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
