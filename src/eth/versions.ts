import { blockAccessLists, getBlockAccessLists } from './messages/access-lists.js';
import { blockBodies, getBlockBodies } from './messages/bodies.js';
import { cells, getCells } from './messages/cells.js';
import { blockHeaders, getBlockHeaders } from './messages/headers.js';
import type { EthMessageName } from './messages/message.js';
import { newBlock, newBlockHashes } from './messages/new-blocks.js';
import { blockRangeUpdate } from './messages/range.js';
import { getPartialReceipts, getReceipts, partialReceipts, receipts } from './messages/receipts.js';
import type { MessageSpec } from './messages/spec.js';
import { rangeStatus, status68 } from './messages/status.js';
import {
  getPooledTransactions,
  newPooledTransactionHashes,
  newPooledTransactionHashesMasked,
  pooledTransactions,
  transactions,
} from './messages/transactions.js';

export type EthVersion = 68 | 69 | 70 | 71 | 72;

/** All that we speak, rising. */
export const ETH_VERSIONS: readonly EthVersion[] = [68, 69, 70, 71, 72];

/** What one version says: its table. */
export interface EthProtocol {
  readonly name: 'eth';
  readonly version: EthVersion;
  /** Message ids reserved in a session; which is more than there are messages. */
  readonly length: number;
  /** By relative id; undefined where the version has no such message, and receiving it is a breach. */
  readonly byId: readonly (MessageSpec | undefined)[];
  readonly byName: ReadonlyMap<EthMessageName, MessageSpec>;
}

/** Rows that no version has changed. */
const unchanged: readonly MessageSpec[] = [
  transactions,
  getBlockHeaders,
  blockHeaders,
  getBlockBodies,
  blockBodies,
  getPooledTransactions,
  pooledTransactions,
];
const wholeReceipts: readonly MessageSpec[] = [getReceipts, receipts];
/** EIP-7975 */
const splitReceipts: readonly MessageSpec[] = [getPartialReceipts, partialReceipts];
/** EIP-8159 */
const accessLists: readonly MessageSpec[] = [getBlockAccessLists, blockAccessLists];

/** Block announcements ended with the merge; eth/68 still names them, and later versions (as geth) refuse them. */
const eth68: EthProtocol = protocol(68, 17, [
  ...unchanged,
  ...wholeReceipts,
  status68,
  newBlockHashes,
  newBlock,
  newPooledTransactionHashes,
]);
/** EIP-7642: block range instead of total difficulty, receipts without bloom. */
const eth69: EthProtocol = protocol(69, 18, [
  ...unchanged,
  ...wholeReceipts,
  rangeStatus(69),
  newPooledTransactionHashes,
  blockRangeUpdate,
]);
const eth70: EthProtocol = protocol(70, 18, [
  ...unchanged,
  ...splitReceipts,
  rangeStatus(70),
  newPooledTransactionHashes,
  blockRangeUpdate,
]);
const eth71: EthProtocol = protocol(71, 20, [
  ...unchanged,
  ...splitReceipts,
  rangeStatus(71),
  newPooledTransactionHashes,
  blockRangeUpdate,
  ...accessLists,
]);
const eth72: EthProtocol = protocol(72, 22, [
  ...unchanged,
  ...splitReceipts,
  rangeStatus(72),
  newPooledTransactionHashesMasked,
  blockRangeUpdate,
  ...accessLists,
  getCells,
  cells,
]);

const protocols: Readonly<Record<EthVersion, EthProtocol>> = {
  68: eth68,
  69: eth69,
  70: eth70,
  71: eth71,
  72: eth72,
};

export function ethProtocol(version: EthVersion): EthProtocol {
  return protocols[version];
}

/** Whether a number, from a capability or a command line, is a version that we speak. */
export function isEthVersion(version: number): version is EthVersion {
  return Object.hasOwn(protocols, version);
}

function protocol(version: EthVersion, length: number, rows: readonly MessageSpec[]): EthProtocol {
  const byId = new Array<MessageSpec | undefined>(length).fill(undefined);
  const byName = new Map<EthMessageName, MessageSpec>();
  for (const row of rows) {
    byId[row.id] = row;
    byName.set(row.name, row);
  }
  return { name: 'eth', version, length, byId, byName };
}
