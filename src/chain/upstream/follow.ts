import { sameBytes } from '../../codec/index.js';
import type { Hasher } from '../../eth/index.js';
import { ChainError } from '../errors.js';
import { type HashedHeader, readHeader } from '../verify.js';
import { type BlockId, type Found, isFound, type UpstreamSource } from './source.js';
import { type HeaderWindow, WINDOW_BLOCKS } from './window.js';

/** Headers asked for at once. */
const STRIDE = 64n;

/** How a look at the upstream's head ended. */
export type Followed =
  | { readonly kind: 'same' }
  /** `kept`: up to which block the chain is what it was; undefined where that is not known. */
  | { readonly kind: 'moved'; readonly kept: bigint | undefined }
  /** The answers do not hold together, as while the upstream itself changes its mind, or there were none. */
  | { readonly kind: 'unclear'; readonly says: string };

/** A verified header of the upstream: the bytes hash to what was asked for, or say the number that was asked for. */
export async function readVerified(
  source: UpstreamSource,
  id: BlockId,
  hasher: Hasher,
): Promise<Found<HashedHeader>> {
  const raw = await source.header(id);
  if (!isFound(raw)) return raw;
  let read: HashedHeader;
  try {
    read = readHeader(raw, hasher);
  } catch (error) {
    if (error instanceof ChainError) return 'none';
    throw error;
  }
  const fits = typeof id === 'bigint' ? read.header.number === id : sameBytes(read.hash, id);
  return fits ? read : 'none';
}

/** Brings the window to the upstream's head: every header down to where the window goes on, each by the hash that its child names. */
export async function followHead(
  source: UpstreamSource,
  window: HeaderWindow,
  { hasher, genesisHash }: { readonly hasher: Hasher; readonly genesisHash: Uint8Array },
): Promise<Followed> {
  const latest = await source.latest();
  if (!isFound(latest)) return unclear(`it says nothing of its head (${latest})`);
  const { number, hash } = latest;
  if (window.has(number, hash)) {
    if (window.head.header.number === number) return { kind: 'same' };
    return { kind: 'moved', kept: window.advance([], number) };
  }
  const head = await readVerified(source, hash, hasher);
  if (!isFound(head)) return unclear(`it does not show its head, block ${number}`);
  if (head.header.number !== number) return unclear(`its head is block ${head.header.number}, not ${number}`);
  const fresh = await downToWindow(source, window, head, hasher);
  const [lowest] = fresh ?? [];
  if (fresh === undefined || lowest === undefined)
    return unclear('its latest blocks do not follow each other');
  if (lowest.header.number === 0n && !sameBytes(lowest.hash, genesisHash))
    return unclear('its blocks lead to another genesis');
  try {
    return { kind: 'moved', kept: window.advance(fresh, number) };
  } catch (error) {
    if (error instanceof ChainError) return unclear(error.message);
    throw error;
  }
}

/** @returns the headers above the window, or a whole window of them where they do not meet; ascending */
async function downToWindow(
  source: UpstreamSource,
  window: HeaderWindow,
  head: HashedHeader,
  hasher: Hasher,
): Promise<readonly HashedHeader[] | undefined> {
  const fresh = [head];
  let lowest = head;
  const done = (): boolean =>
    lowest.header.number === 0n ||
    fresh.length >= WINDOW_BLOCKS ||
    window.has(lowest.header.number - 1n, lowest.header.parentHash);
  while (!done()) {
    // one block more is the usual case; after that in strides, down to where the window should go on
    const top = lowest.header.number - 1n;
    const wanted = top - window.head.header.number > 0n ? top - window.head.header.number : STRIDE;
    const count = [wanted, STRIDE, top + 1n].reduce((least, one) => (one < least ? one : least));
    const asked = Array.from({ length: Number(count) }, (_, at) =>
      readVerified(source, top - BigInt(at), hasher),
    );
    for (const found of await Promise.all(asked)) {
      const parent = lowest.header.parentHash;
      const byNumber = isFound(found) && sameBytes(found.hash, parent) ? found : undefined;
      const header = byNumber ?? (await readVerified(source, parent, hasher));
      if (!isFound(header) || header.header.number !== lowest.header.number - 1n) return undefined;
      fresh.unshift(header);
      lowest = header;
      if (done()) break;
    }
  }
  return fresh;
}

function unclear(says: string): Followed {
  return { kind: 'unclear', says };
}
