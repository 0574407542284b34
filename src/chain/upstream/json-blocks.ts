import { encodeBytes, encodeList, encodeUint } from '../../codec/index.js';
import { type BlockHeader, encodeHeader } from '../../eth/index.js';
import { dataOf, type JsonRecord, listOf, quantityOf, recordOf, UpstreamFault } from './json-fields.js';

/*
 * Blocks, transactions and receipts as the `eth_` methods show them, written as RLP again. Whether that is what was meant, a
 * hash or a root tells: nothing of this is believed. https://ethereum.github.io/execution-apis
 */

/** @returns RLP of the header. @throws UpstreamFault, EthError ERR_ETH_ENCODE */
export function headerFromJson(block: JsonRecord): Uint8Array {
  const data = (name: string): Uint8Array => dataOf(block[name], name);
  const number = (name: string): bigint => quantityOf(block[name], name);
  const has = (name: string): boolean => block[name] !== undefined && block[name] !== null;
  const header: BlockHeader = {
    parentHash: data('parentHash'),
    unclesHash: data('sha3Uncles'),
    beneficiary: data('miner'),
    stateRoot: data('stateRoot'),
    transactionsRoot: data('transactionsRoot'),
    receiptsRoot: data('receiptsRoot'),
    logsBloom: data('logsBloom'),
    difficulty: number('difficulty'),
    number: number('number'),
    gasLimit: number('gasLimit'),
    gasUsed: number('gasUsed'),
    timestamp: number('timestamp'),
    extraData: data('extraData'),
    mixHash: data('mixHash'),
    nonce: data('nonce'),
    ...(has('baseFeePerGas') ? { baseFeePerGas: number('baseFeePerGas') } : {}),
    ...(has('withdrawalsRoot') ? { withdrawalsRoot: data('withdrawalsRoot') } : {}),
    ...(has('blobGasUsed') ? { blobGasUsed: number('blobGasUsed') } : {}),
    ...(has('excessBlobGas') ? { excessBlobGas: number('excessBlobGas') } : {}),
    ...(has('parentBeaconBlockRoot') ? { parentBeaconBlockRoot: data('parentBeaconBlockRoot') } : {}),
    ...(has('requestsHash') ? { requestsHash: data('requestsHash') } : {}),
    ...(has('blockAccessListHash') ? { blockAccessListHash: data('blockAccessListHash') } : {}),
    ...(has('slotNumber') ? { slotNumber: number('slotNumber') } : {}),
  };
  return encodeHeader(header);
}

/**
 * @param block with whole transactions
 * @param uncles RLP of their headers
 * @returns RLP of the body. @throws UpstreamFault
 */
export function bodyFromJson(block: JsonRecord, uncles: readonly Uint8Array[]): Uint8Array {
  const transactions = listOf(block.transactions, 'transactions').map((item) =>
    transactionFromJson(recordOf(item, 'a transaction')),
  );
  const parts = [encodeList(transactions), encodeList([...uncles])];
  if (block.withdrawals !== undefined && block.withdrawals !== null) {
    const withdrawals = listOf(block.withdrawals, 'withdrawals').map((item) => {
      const one = recordOf(item, 'a withdrawal');
      return encodeList([
        uint(one, 'index'),
        uint(one, 'validatorIndex'),
        bytes(one, 'address'),
        uint(one, 'amount'),
      ]);
    });
    parts.push(encodeList(withdrawals));
  }
  return encodeList(parts);
}

/** Fields of the typed transactions, in their order, after which the signature follows. */
const TYPED_FIELDS: Readonly<Record<number, readonly ((tx: JsonRecord) => Uint8Array)[]>> = {
  1: [chainId, nonce, of('gasPrice'), gas, to, value, input, accessList],
  2: [chainId, nonce, of('maxPriorityFeePerGas'), of('maxFeePerGas'), gas, to, value, input, accessList],
  3: [
    ...[chainId, nonce, of('maxPriorityFeePerGas'), of('maxFeePerGas'), gas, to, value, input, accessList],
    ...[of('maxFeePerBlobGas'), blobHashes],
  ],
  4: [
    ...[chainId, nonce, of('maxPriorityFeePerGas'), of('maxFeePerGas'), gas, to, value, input, accessList],
    authorizations,
  ],
};

/** @returns the item as it stands in a body. @throws UpstreamFault for a type that is not known here */
export function transactionFromJson(tx: JsonRecord): Uint8Array {
  const type = typeOf(tx);
  if (type === 0) {
    return encodeList([
      ...[nonce(tx), uint(tx, 'gasPrice'), gas(tx), to(tx), value(tx), input(tx)],
      ...[uint(tx, 'v'), uint(tx, 'r'), uint(tx, 's')],
    ]);
  }
  const fields = TYPED_FIELDS[type];
  if (fields === undefined) throw new UpstreamFault(`transactions of type ${type} are not known here`);
  const parity = tx.yParity === undefined ? uint(tx, 'v') : uint(tx, 'yParity');
  const list = encodeList([...fields.map((field) => field(tx)), parity, uint(tx, 'r'), uint(tx, 's')]);
  const envelope = new Uint8Array(1 + list.length);
  envelope[0] = type;
  envelope.set(list, 1);
  return encodeBytes(envelope);
}

/** @returns RLP of the receipts of a block in the form of eth/69. @throws UpstreamFault */
export function receiptsFromJson(receipts: unknown): Uint8Array {
  const items = listOf(receipts, 'receipts').map((item) => {
    const receipt = recordOf(item, 'a receipt');
    // before Byzantium the state root stands in the place of the status
    const { root } = receipt;
    const status =
      typeof root === 'string' && root.length > 2 ? bytes(receipt, 'root') : uint(receipt, 'status');
    const logs = listOf(receipt.logs, 'logs').map((entry) => {
      const log = recordOf(entry, 'a log');
      const topics = listOf(log.topics, 'topics').map((topic) => encodeBytes(dataOf(topic, 'a topic')));
      return encodeList([bytes(log, 'address'), encodeList(topics), bytes(log, 'data')]);
    });
    const used = uint(receipt, 'cumulativeGasUsed');
    return encodeList([encodeUint(typeOf(receipt)), status, used, encodeList(logs)]);
  });
  return encodeList(items);
}

/** How old servers show a legacy transaction: without a type. */
function typeOf(item: JsonRecord): number {
  return item.type === undefined || item.type === null ? 0 : Number(quantityOf(item.type, 'type'));
}

function uint(item: JsonRecord, name: string): Uint8Array {
  return encodeUint(quantityOf(item[name], name));
}

function bytes(item: JsonRecord, name: string): Uint8Array {
  return encodeBytes(dataOf(item[name], name));
}

function of(name: string): (tx: JsonRecord) => Uint8Array {
  return (tx) => uint(tx, name);
}

function chainId(tx: JsonRecord): Uint8Array {
  return uint(tx, 'chainId');
}

function nonce(tx: JsonRecord): Uint8Array {
  return uint(tx, 'nonce');
}

function gas(tx: JsonRecord): Uint8Array {
  return uint(tx, 'gas');
}

function value(tx: JsonRecord): Uint8Array {
  return uint(tx, 'value');
}

function input(tx: JsonRecord): Uint8Array {
  return bytes(tx, 'input');
}

/** Nothing: a contract is made. */
function to(tx: JsonRecord): Uint8Array {
  return tx.to === undefined || tx.to === null ? encodeBytes(new Uint8Array(0)) : bytes(tx, 'to');
}

function accessList(tx: JsonRecord): Uint8Array {
  const entries = listOf(tx.accessList ?? [], 'accessList').map((item) => {
    const entry = recordOf(item, 'an entry of an access list');
    const keys = listOf(entry.storageKeys, 'storageKeys').map((key) =>
      encodeBytes(dataOf(key, 'a storage key')),
    );
    return encodeList([bytes(entry, 'address'), encodeList(keys)]);
  });
  return encodeList(entries);
}

function blobHashes(tx: JsonRecord): Uint8Array {
  const hashes = listOf(tx.blobVersionedHashes, 'blobVersionedHashes');
  return encodeList(hashes.map((hash) => encodeBytes(dataOf(hash, 'a blob hash'))));
}

function authorizations(tx: JsonRecord): Uint8Array {
  const list = listOf(tx.authorizationList, 'authorizationList').map((item) => {
    const one = recordOf(item, 'an authorization');
    const parity = one.yParity === undefined ? uint(one, 'v') : uint(one, 'yParity');
    return encodeList([
      ...[uint(one, 'chainId'), bytes(one, 'address'), uint(one, 'nonce')],
      ...[parity, uint(one, 'r'), uint(one, 's')],
    ]);
  });
  return encodeList(list);
}
