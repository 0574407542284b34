import { ChainError, throwIfAborted } from '../errors.js';
import { linkKind, upstreamName } from './link.js';
import type { UpstreamOptions } from './options.js';
import { UpstreamBackend } from './upstream.js';

/**
 * Opens the chain of an execution client over JSON-RPC. Where the client cannot be reached the chain is the genesis alone
 * until it can.
 * @throws ChainError ERR_CHAIN_ABORTED where it was called off; ERR_CHAIN_GENESIS where it says in time that it has another chain; ERR_CHAIN_UPSTREAM for a URL that is none
 */
export async function openUpstream(options: UpstreamOptions): Promise<UpstreamBackend> {
  if (linkKind(options.url) === undefined) {
    const says = `${upstreamName(options.url)} is neither http://…, https://…, ws://…, wss://… nor the absolute path of a socket`;
    throw new ChainError('ERR_CHAIN_UPSTREAM', `upstream: ${says}`);
  }
  const backend = new UpstreamBackend(options);
  const { state, says } = await backend.firstState(options.signal);
  if (state !== 'other-chain' && options.signal?.aborted !== true) return backend;
  await backend.close();
  throwIfAborted(options.signal, 'asking the upstream');
  throw new ChainError('ERR_CHAIN_GENESIS', says ?? 'the upstream has another chain');
}
