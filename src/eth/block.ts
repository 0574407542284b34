import { encodeList, readList } from '../codec/index.js';
import { decoding } from './decoding.js';
import { EthError } from './errors.js';
import { readRawList } from './messages/fields.js';

/** The parts of a block; each is RLP as it stands in the whole. */
export interface BlockParts {
  readonly header: Uint8Array;
  /** [transactions, uncles, withdrawals?] */
  readonly body: Uint8Array;
  /** Only in files, and there only from Amsterdam on: on the wire access lists go by messages of their own. */
  readonly accessList?: Uint8Array | undefined;
}

/**
 * One block as `geth export` and `geth import` have it: [header, transactions, uncles, withdrawals?, access list?].
 * @throws EthError ERR_ETH_DECODE where the body is none, or has no withdrawals before an access list
 */
export function encodeBlock(header: Uint8Array, body: Uint8Array, accessList?: Uint8Array): Uint8Array {
  return decoding('body', () => {
    const parts = [header];
    const list = readList(body);
    while (!list.done) parts.push(readRawList(list));
    if (parts.length !== 4 && (parts.length !== 3 || accessList !== undefined)) {
      throw new EthError('ERR_ETH_DECODE', `body: ${parts.length - 1} elements`);
    }
    if (accessList !== undefined) parts.push(accessList);
    return encodeList(parts);
  });
}

/** The parts of such a block: header and access list views, body in memory of its own. @throws EthError ERR_ETH_DECODE */
export function splitBlock(raw: Uint8Array): BlockParts {
  return decoding('block', () => {
    const list = readList(raw);
    const header = readRawList(list);
    const body = [readRawList(list), readRawList(list)];
    if (!list.done) body.push(readRawList(list));
    const accessList = list.done ? undefined : readRawList(list);
    list.finish();
    return { header, body: encodeList(body), accessList };
  });
}
