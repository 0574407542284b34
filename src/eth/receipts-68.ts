import { encodeBytes, encodeList, type RlpReader, readList } from '../codec/index.js';
import { BLOOM_BYTES } from './bloom.js';
import { MAX_BLOCK_TRANSACTIONS } from './body.js';
import { EthError } from './errors.js';
import type { Hasher } from './hasher.js';
import { readLog } from './logs.js';
import { consensusReceipt, encodeReceipt, type Receipt, readStatus } from './receipts.js';
import { bloomedReceipts } from './receipts-summary.js';
import { decodingSteps, runSteps, type Steps } from './steps.js';
import { MAX_TRANSACTION_TYPE } from './transaction.js';

/** Read in one slice, in logs: some 8 ms at 0.13 µs each. A receipt counts as eight. */
const SLICE_LOGS = 65_536;
const LOGS_PER_RECEIPT = 8;

/** Leaves the blooms out: the receipts root tells whether what is left is true. @throws EthError ERR_ETH_DECODE */
export function receipts68To69(raw: Uint8Array): Uint8Array {
  return runSteps(receipts68To69Steps(raw));
}

/** As `receipts68To69`, in slices: 16 MiB of the smallest logs take 0.1 s. */
export function receipts68To69Steps(raw: Uint8Array): Steps<Uint8Array> {
  return decodingSteps('receipts', withoutBlooms(raw));
}

function* withoutBlooms(raw: Uint8Array): Steps<Uint8Array> {
  const list = readList(raw);
  const receipts = new Array<Uint8Array>(list.count(MAX_BLOCK_TRANSACTIONS));
  let read = 0;
  for (let i = 0; i < receipts.length; i++) {
    const receipt = readReceipt68(list);
    read += LOGS_PER_RECEIPT;
    for (const logs = readList(receipt.logs); !logs.done; read++) {
      if (read >= SLICE_LOGS) {
        yield;
        read = 0;
      }
      readLog(logs);
    }
    receipts[i] = encodeReceipt(receipt);
  }
  return encodeList(receipts);
}

/** Makes the blooms. @param raw of one block, eth/69 form. @throws EthError ERR_ETH_DECODE */
export function receipts69To68(raw: Uint8Array, hasher: Hasher): Uint8Array {
  return runSteps(receipts69To68Steps(raw, hasher));
}

/** As `receipts69To68`, in slices: the blooms of a block with many logs take longer than one peer may hold the loop. */
export function* receipts69To68Steps(raw: Uint8Array, hasher: Hasher): Steps<Uint8Array> {
  const receipts: Uint8Array[] = [];
  yield* bloomedReceipts(raw, new Uint8Array(BLOOM_BYTES), hasher, (receipt, bloom) => {
    const encoded = consensusReceipt(receipt, bloom);
    receipts.push(receipt.type === 0 ? encoded : encodeBytes(encoded));
  });
  return encodeList(receipts);
}

function readReceipt68(list: RlpReader): Receipt {
  if (list.isList()) return readConsensusReceipt(0, list.list());
  const typed = list.bytes();
  const type = typed[0];
  if (type === undefined || type === 0 || type > MAX_TRANSACTION_TYPE) {
    throw new EthError('ERR_ETH_DECODE', 'receipt: neither a list nor a typed receipt');
  }
  return readConsensusReceipt(type, readList(typed.subarray(1)));
}

function readConsensusReceipt(type: number, fields: RlpReader): Receipt {
  const status = readStatus(fields);
  const cumulativeGasUsed = fields.uint();
  fields.fixed(BLOOM_BYTES);
  const logs = fields.raw();
  fields.finish();
  return { type, status, cumulativeGasUsed, logs };
}
