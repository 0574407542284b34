import { CodecError, hexToBytes } from '../../codec/index.js';
import type { Feed, Sighting } from '../../pool/index.js';
import { PoolError } from '../../pool/index.js';
import type { Clock } from '../../runtime/index.js';
import { type Json, toJson } from '../json.js';
import { TransactionError } from '../tx-desk.js';
import type { NetworkFeeds } from '../tx-feeds.js';
import { RPC_ERROR, RpcError, type RpcMethod } from './json-rpc.js';
import type { RpcNode } from './rpc-methods.js';

/** Items of one answer. */
const MAX_WATCHED = 512;
/** Who watches is answered after so long at the latest, with nothing where nothing came. */
const MAX_WATCH_MS = 10_000;

/** Methods about transactions, and about what the network says. */
export function transactionMethods(node: RpcNode): Readonly<Record<string, RpcMethod>> {
  return {
    rlpxd_send: async (params) => {
      const raw = bytesOf(params, 'a transaction');
      try {
        const { hash } = await node.broadcast(raw);
        return { hash: toJson(hash) };
      } catch (error) {
        if (!(error instanceof PoolError || error instanceof TransactionError)) throw error;
        throw new RpcError(RPC_ERROR.refused, error.message);
      }
    },
    rlpxd_sent: (params) => {
      const report = node.broadcastReport(bytesOf(params, 'the hash of a transaction'));
      if (report === undefined)
        throw new RpcError(RPC_ERROR.refused, 'no such transaction was sent from here');
      return toJson(report);
    },
    rlpxd_watch: (params) => watched(node, params),
  };
}

/** `[{ what, from }]`: transactions or blocks, from the place that the answer before has named as `next`. */
async function watched(node: RpcNode, params: readonly Json[]): Promise<Json> {
  const [wish] = params;
  if (params.length !== 1 || typeof wish !== 'object' || wish === null || Array.isArray(wish))
    throw wrong('one object is wanted: { what, from }');
  const { what, from, ...unknown } = wish as { readonly [name: string]: Json };
  const [stranger] = Object.keys(unknown);
  if (stranger !== undefined) throw wrong(`there is no ${JSON.stringify(stranger.slice(0, 64))} to wish for`);
  if (what !== 'transactions' && what !== 'blocks') throw wrong('what is transactions or blocks');
  if (from !== undefined && !(typeof from === 'number' && Number.isSafeInteger(from) && from >= 0))
    throw wrong('from is a place, as `next` of an answer says it');
  if (what === 'transactions' && node.config.transactions === 'off')
    throw new RpcError(RPC_ERROR.refused, 'transactions are off in this node');
  const feed: Feed<Sighting<unknown>> = node.feeds[what];
  if (from === undefined) return { items: [], next: feed.end, lost: 0 };
  if (from >= feed.end) await somethingComes(feed, node.world.clock, node.feeds);
  const { items, next, lost } = feed.read(from, MAX_WATCHED);
  return {
    items: items.map(({ fact, firstSeenMs, peers }) => ({
      ...(toJson(fact) as { readonly [name: string]: Json }),
      firstSeenMs,
      peers,
    })),
    next,
    lost,
  };
}

function somethingComes(
  feed: Pick<Feed<unknown>, 'onItem'>,
  clock: Clock,
  feeds: Pick<NetworkFeeds, 'signal'>,
): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      unlisten();
      feeds.signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.timer(MAX_WATCH_MS, end);
    const unlisten = feed.onItem(end);
    feeds.signal.addEventListener('abort', end, { once: true });
    if (feeds.signal.aborted) end();
  });
}

function bytesOf(params: readonly Json[], what: string): Uint8Array {
  const [text] = params;
  if (params.length !== 1 || typeof text !== 'string') throw wrong(`one text is wanted: ${what}, as hex`);
  try {
    return hexToBytes(text);
  } catch (error) {
    if (error instanceof CodecError) throw wrong(`${what}: ${error.message}`);
    throw error;
  }
}

function wrong(says: string): RpcError {
  return new RpcError(RPC_ERROR.params, says);
}
