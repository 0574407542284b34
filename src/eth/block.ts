import { encodeList, readList } from '../codec/index.js';
import { decoding } from './decoding.js';
import { EthError } from './errors.js';
import { readRawList } from './messages/fields.js';

/**
 * One block as `geth export` and `geth import` have it: [header, transactions, uncles, withdrawals?].
 * @throws EthError ERR_ETH_DECODE where the body is none
 */
export function encodeBlock(header: Uint8Array, body: Uint8Array): Uint8Array {
  return decoding('body', () => {
    const parts = [header];
    const list = readList(body);
    while (!list.done) parts.push(readRawList(list));
    if (parts.length === 3 || parts.length === 4) return encodeList(parts);
    throw new EthError('ERR_ETH_DECODE', `body: ${parts.length - 1} elements`);
  });
}

/** The parts of such a block: header a view, body in memory of its own. @throws EthError ERR_ETH_DECODE */
export function splitBlock(raw: Uint8Array): { readonly header: Uint8Array; readonly body: Uint8Array } {
  return decoding('block', () => {
    const list = readList(raw);
    const header = readRawList(list);
    const body = [readRawList(list), readRawList(list)];
    if (!list.done) body.push(readRawList(list));
    list.finish();
    return { header, body: encodeList(body) };
  });
}
