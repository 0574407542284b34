import type { ChainPeer } from '../chain/index.js';
import { bytesToHex } from '../codec/index.js';
import { type BlockRange, decodeHeader } from '../eth/index.js';
import { DISCONNECT } from '../rlpx/index.js';
import type { Session } from '../session/index.js';

/**
 * A session as the chain room sees it: someone to ask.
 * @param lied told when the peer gave false data, before the session ends
 */
export async function chainPeer(session: Session, lied: (says: string) => void): Promise<ChainPeer> {
  const { eth, kind } = session;
  const old =
    eth.remoteStatus.version === 68 ? await rangeByHash(session, eth.remoteStatus.bestHash) : undefined;
  return {
    id: bytesToHex(session.nodeId),
    trust: kind === 'dynamic' ? 'other' : kind,
    ethVersion: eth.version,
    gone: session.signal,
    range: () => eth.range ?? old,
    headers: (query, options) => eth.getBlockHeaders(query, options),
    bodies: (hashes, options) => eth.getBlockBodies(hashes, options),
    receipts: (hashes, options) => eth.getReceipts(hashes, options),
    ...(eth.version >= 71 && {
      accessLists: (hashes: readonly Uint8Array[], options?: { readonly signal?: AbortSignal }) =>
        eth.getBlockAccessLists(hashes, options),
    }),
    misbehaved: (says) => {
      lied(says);
      session.disconnect(DISCONNECT.protocolBreach);
    },
  };
}

/** eth/68 says only the hash of its head; the number is in the header. */
async function rangeByHash(session: Session, latestHash: Uint8Array): Promise<BlockRange | undefined> {
  const query = { origin: latestHash, amount: 1, skip: 0n, reverse: false };
  const [raw] = await session.eth.getBlockHeaders(query, { signal: session.signal });
  return raw === undefined ? undefined : { earliest: 0n, latest: decodeHeader(raw).number, latestHash };
}
