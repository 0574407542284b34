import type { EthMessageName } from '../eth/index.js';

/** What may pass between us and one peer. */
export interface SessionPermissions {
  /** Its requests that are answered; without the permission they are answered empty. */
  readonly serveHeaders: boolean;
  readonly serveBodies: boolean;
  readonly serveReceipts: boolean;
  readonly serveAccessLists: boolean;
  readonly serveCells: boolean;
  readonly serveSnap: boolean;
  /** Transactions and their announcements that it sends are read; without the permission they are thrown away unread. */
  readonly receiveTransactions: boolean;
  /** It gets transactions and their announcements from us, and those that it asks for. */
  readonly sendTransactions: boolean;
  /** It hears of our block range, and of new blocks on eth/68. */
  readonly announce: boolean;
  /** What came from this session may go out on others. */
  readonly relayFrom: boolean;
  /** What came from other sessions may go out on this one. */
  readonly relayTo: boolean;
}

export type PermissionName = keyof SessionPermissions;

/** All of them, in their order. */
export const PERMISSION_NAMES: readonly PermissionName[] = [
  'serveHeaders',
  'serveBodies',
  'serveReceipts',
  'serveAccessLists',
  'serveCells',
  'serveSnap',
  'receiveTransactions',
  'sendTransactions',
  'announce',
  'relayFrom',
  'relayTo',
];

/** Which permission a message needs that comes in. Answers need none: that we asked is what lets them in. */
const NEEDED_IN: Readonly<Partial<Record<EthMessageName, PermissionName>>> = {
  GetBlockHeaders: 'serveHeaders',
  GetBlockBodies: 'serveBodies',
  GetReceipts: 'serveReceipts',
  GetBlockAccessLists: 'serveAccessLists',
  GetCells: 'serveCells',
  GetPooledTransactions: 'sendTransactions',
  Transactions: 'receiveTransactions',
  NewPooledTransactionHashes: 'receiveTransactions',
};

/** And which one a message that goes out. What we ask for is our own affair. */
const NEEDED_OUT: Readonly<Partial<Record<EthMessageName, PermissionName>>> = {
  Transactions: 'sendTransactions',
  NewPooledTransactionHashes: 'sendTransactions',
  BlockRangeUpdate: 'announce',
  NewBlock: 'announce',
  NewBlockHashes: 'announce',
};

/** @param direction seen from us @returns undefined where the message may always pass */
export function permissionFor(name: EthMessageName, direction: 'in' | 'out'): PermissionName | undefined {
  return (direction === 'in' ? NEEDED_IN : NEEDED_OUT)[name];
}

/** @returns which permission is missing for this message */
export function missingPermission(
  permissions: SessionPermissions,
  name: EthMessageName,
  direction: 'in' | 'out',
): PermissionName | undefined {
  const needed = permissionFor(name, direction);
  return needed === undefined || permissions[needed] ? undefined : needed;
}

/** Whether what came from one session may go out on another: both have a say. */
export function mayRelay(from: SessionPermissions, to: SessionPermissions): boolean {
  return from.relayFrom && to.relayTo && to.sendTransactions;
}

/** @returns the same value for all of them */
export function allPermissions(value: boolean): SessionPermissions {
  return Object.fromEntries(PERMISSION_NAMES.map((name) => [name, value])) as Record<PermissionName, boolean>;
}
