import { RlpReader, readList } from '../codec/index.js';
import { decoding } from './decoding.js';
import { EthError } from './errors.js';
import type { Hasher } from './hasher.js';

/*
 * On the wire and in a body a transaction is one RLP item: a list (type 0), or from EIP-2718 on a string that begins with
 * the type. The envelope, which hash and trie are made of, is that list, or what is in that string.
 */

/** EIP-2718: what stands before the envelope, or a receipt, is below this and 0x80. */
export const MAX_TRANSACTION_TYPE = 0x7f;
const BLOB_TYPE = 3;

/** @returns 0 to 127. @throws EthError ERR_ETH_DECODE for what cannot be a transaction */
export function transactionType(raw: Uint8Array): number {
  const first = transactionEnvelope(raw)[0] as number; // never empty
  return first > MAX_TRANSACTION_TYPE ? 0 : first;
}

/** What the transactions root is made of. @returns a view. @throws EthError ERR_ETH_DECODE */
export function transactionEnvelope(raw: Uint8Array): Uint8Array {
  return decoding('transaction', () => {
    const reader = new RlpReader(raw);
    const envelope = reader.isList() ? reader.raw() : typedEnvelope(reader.bytes());
    reader.finish();
    return envelope;
  });
}

/**
 * The hash that a transaction is announced and asked for by. Of a blob transaction in its pooled form (EIP-4844:
 * [transaction, …sidecar]) only the transaction counts.
 * @throws EthError ERR_ETH_DECODE
 */
export function transactionHash(raw: Uint8Array, hasher: Hasher): Uint8Array {
  const envelope = transactionEnvelope(raw);
  if (envelope[0] !== BLOB_TYPE) return hasher.keccak256(envelope);
  return decoding('transaction', () => {
    const fields = readList(envelope.subarray(1));
    if (!fields.isList()) return hasher.keccak256(envelope);
    return hasher.keccak256(envelope.subarray(0, 1), fields.raw());
  });
}

/** Transactions as they stand, counted before the list is built; each is a list or a typed envelope, and not read further. */
export function readRawTransactions(list: RlpReader, maxItems: number): Uint8Array[] {
  const transactions = new Array<Uint8Array>(list.count(maxItems));
  for (let i = 0; i < transactions.length; i++) {
    const raw = list.raw();
    if ((raw[0] as number) < 0xc0) typedEnvelope(new RlpReader(raw).bytes());
    transactions[i] = raw;
  }
  return transactions;
}

function typedEnvelope(envelope: Uint8Array): Uint8Array {
  const type = envelope[0];
  // Type 0 has the form of a list; a type without content is no transaction.
  if (type === undefined || type === 0 || type > MAX_TRANSACTION_TYPE || envelope.length < 2) {
    throw new EthError('ERR_ETH_DECODE', 'transaction: neither a list nor a typed envelope');
  }
  return envelope;
}
