import { sameBytes } from '../codec/index.js';
import type { TransactionRules } from './rules.js';
import type { PooledTransaction } from './transaction.js';

/*
 * What a transaction costs before anything is executed. Sizes are bounded when it is read, so all of this stays far below
 * 2^53 and is counted in numbers.
 */

/** Yellow Paper, G_transaction; Homestead adds G_txcreate (EIP-2). */
const TRANSACTION = 21_000;
const CREATION = 32_000;
/** EIP-2028 */
const ZERO_BYTE = 4;
const NONZERO_BYTE = 16;
/** EIP-3860: per 32 bytes of code that creates a contract. */
const INITCODE_WORD = 2;
/** EIP-2930 */
const ACCESS_ADDRESS = 2_400;
const ACCESS_KEY = 1_900;
/** EIP-7702: PER_EMPTY_ACCOUNT_COST */
const AUTHORIZATION = 25_000;
/** EIP-7623 */
const TOKENS_PER_NONZERO_BYTE = 4;
const FLOOR_PER_TOKEN = 10;

/* Amsterdam */
/** EIP-2780: the sender, a recipient that is not the sender, a contract that is created, the log and the write of a value. */
const SENDER = 12_000;
const RECIPIENT = 3_000;
const CREATED = 11_000;
const TRANSFER_LOG = 1_756;
const TRANSFER_WRITE = 4_244;
/** EIP-8038 */
const AMSTERDAM_ACCESS = 3_000;
const AMSTERDAM_AUTHORIZATION = 7_816;
/** EIP-7976: every byte, zero or not, has four tokens at this price. */
const AMSTERDAM_FLOOR_PER_BYTE = 4 * 16;
/** EIP-7981: access lists are data, too. */
const ADDRESS_BYTES = 20;
const KEY_BYTES = 32;

/** The gas without which no block can hold the transaction: what it costs by itself, and from Prague on the floor of its data. */
export function leastGas(transaction: PooledTransaction, rules: TransactionRules): number {
  return Math.max(intrinsicGas(transaction, rules), rules.prague ? floorGas(transaction, rules) : 0);
}

/** Intrinsic gas (Yellow Paper, section 6.2, with the EIPs above). */
export function intrinsicGas(transaction: PooledTransaction, rules: TransactionRules): number {
  const { data, accessList, to } = transaction;
  const creates = to === undefined;
  const zeros = zeroBytes(data);
  let gas = rules.amsterdam ? amsterdamBase(transaction) : TRANSACTION + (creates ? CREATION : 0);
  gas += zeros * ZERO_BYTE + (data.length - zeros) * NONZERO_BYTE;
  if (creates && rules.shanghai) gas += Math.ceil(data.length / 32) * INITCODE_WORD;
  gas += transaction.authorizations * (rules.amsterdam ? AMSTERDAM_AUTHORIZATION : AUTHORIZATION);
  if (!rules.amsterdam)
    return gas + accessList.addresses * ACCESS_ADDRESS + accessList.storageKeys * ACCESS_KEY;
  const entries = accessList.addresses + accessList.storageKeys;
  return gas + entries * AMSTERDAM_ACCESS + accessBytes(transaction) * AMSTERDAM_FLOOR_PER_BYTE;
}

/** EIP-7623: what the data costs at least, however little is executed. */
export function floorGas(transaction: PooledTransaction, rules: TransactionRules): number {
  const { data } = transaction;
  if (rules.amsterdam) {
    const bytes = data.length + accessBytes(transaction);
    return amsterdamBase(transaction) + bytes * AMSTERDAM_FLOOR_PER_BYTE;
  }
  const zeros = zeroBytes(data);
  return TRANSACTION + (zeros + (data.length - zeros) * TOKENS_PER_NONZERO_BYTE) * FLOOR_PER_TOKEN;
}

/** EIP-2780 */
function amsterdamBase({ to, sender, value }: PooledTransaction): number {
  if (to === undefined) return SENDER + CREATED + (value > 0n ? TRANSFER_LOG : 0);
  if (sameBytes(to, sender)) return SENDER;
  return SENDER + RECIPIENT + (value > 0n ? TRANSFER_LOG + TRANSFER_WRITE : 0);
}

function accessBytes({ accessList }: PooledTransaction): number {
  return accessList.addresses * ADDRESS_BYTES + accessList.storageKeys * KEY_BYTES;
}

function zeroBytes(data: Uint8Array): number {
  let zeros = 0;
  for (let i = 0; i < data.length; i++) if (data[i] === 0) zeros++;
  return zeros;
}
