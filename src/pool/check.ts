import { PoolError, type PoolErrorCode } from './errors.js';
import { leastGas } from './gas.js';
import type { TransactionRules } from './rules.js';
import { BLOB_TYPE, type PooledTransaction } from './transaction.js';

/** EIP-3860; from Amsterdam on as go-ethereum v1.17.5 has it. */
const MAX_INITCODE_BYTES = 49_152;
const AMSTERDAM_MAX_INITCODE_BYTES = 131_072;
/** EIP-7825 */
const MAX_GAS = 16_777_216n;
/** EIP-2681: an account never gets this far. */
const LAST_NONCE = 2n ** 64n - 1n;
const WORD_END = 2n ** 256n;
/** EIP-4844: GAS_PER_BLOB, and the least that a unit of it ever costs. */
const GAS_PER_BLOB = 131_072n;
const MIN_BLOB_FEE = 1n;

/**
 * Whether a transaction may be in a block after the head, as far as that can be said without the state of accounts: who has
 * how much, and whose nonce is where, nobody here knows. The checks of geth in its order.
 * @throws PoolError ERR_POOL_TX_TYPE, ERR_POOL_TX_INITCODE, ERR_POOL_TX_GAS, ERR_POOL_TX_FEE, ERR_POOL_TX_CHAIN_ID,
 * ERR_POOL_TX_NONCE, ERR_POOL_TX_VALUE, ERR_POOL_TX_BLOBS, ERR_POOL_TX_SIDECAR, ERR_POOL_TX_AUTHORIZATIONS
 */
export function checkTransaction(transaction: PooledTransaction, rules: TransactionRules): void {
  checkType(transaction.type, rules);
  checkInitcode(transaction, rules);
  checkGasBounds(transaction, rules);
  const { gasFeeCap, gasTipCap, chainId, nonce } = transaction;
  if (gasFeeCap < gasTipCap) refuse('ERR_POOL_TX_FEE', `a tip of ${gasTipCap} above a fee of ${gasFeeCap}`);
  if (chainId !== undefined && chainId !== rules.chainId)
    refuse('ERR_POOL_TX_CHAIN_ID', `chain ${chainId} where chain ${rules.chainId} is meant`);
  if (nonce === LAST_NONCE) refuse('ERR_POOL_TX_NONCE', 'the nonce is 2^64 - 1');
  checkCost(transaction);
  checkLeastGas(transaction, rules);
  if (gasTipCap < rules.minTip)
    refuse('ERR_POOL_TX_FEE', `a tip of ${gasTipCap} where ${rules.minTip} is the least`);
  if (transaction.type === BLOB_TYPE) checkBlobs(transaction, rules);
  if (transaction.type === 4 && transaction.authorizations === 0)
    refuse('ERR_POOL_TX_AUTHORIZATIONS', 'no authorizations');
}

function checkType(type: number, { london, cancun, prague }: TransactionRules): void {
  const allowed = [true, true, london, cancun, prague][type] ?? false;
  if (!allowed) refuse('ERR_POOL_TX_TYPE', `type ${type} at this head`);
}

/** EIP-3860 */
function checkInitcode({ to, data }: PooledTransaction, { shanghai, amsterdam }: TransactionRules): void {
  if (to !== undefined || !shanghai) return;
  const most = amsterdam ? AMSTERDAM_MAX_INITCODE_BYTES : MAX_INITCODE_BYTES;
  if (data.length > most)
    refuse('ERR_POOL_TX_INITCODE', `${data.length} bytes of code where ${most} are allowed`);
}

function checkGasBounds({ gas }: PooledTransaction, { osaka, amsterdam, head }: TransactionRules): void {
  if (osaka && !amsterdam && gas > MAX_GAS)
    refuse('ERR_POOL_TX_GAS', `${gas} gas where ${MAX_GAS} are allowed`);
  if (gas > head.gasLimit) refuse('ERR_POOL_TX_GAS', `${gas} gas where a block has ${head.gasLimit}`);
}

function checkLeastGas(transaction: PooledTransaction, rules: TransactionRules): void {
  const least = BigInt(leastGas(transaction, rules));
  if (transaction.gas < least) refuse('ERR_POOL_TX_GAS', `${transaction.gas} gas where ${least} are needed`);
  // From Amsterdam on EIP-7825 bounds what is needed from the start, not what is left for execution.
  if (rules.amsterdam && least > MAX_GAS)
    refuse('ERR_POOL_TX_GAS', `${least} gas are needed where ${MAX_GAS} are allowed`);
}

/** What it may cost in the end has to be an amount that an account can hold. */
function checkCost({ gas, gasFeeCap, value, blobHashes, blobFeeCap = 0n }: PooledTransaction): void {
  const blobs = BigInt(blobHashes.length) * GAS_PER_BLOB * blobFeeCap;
  if (gas * gasFeeCap + blobs + value >= WORD_END)
    refuse('ERR_POOL_TX_VALUE', 'fees and value together exceed 256 bits');
}

/** EIP-4844. That hashes and commitments agree was found out when it was read. */
function checkBlobs(transaction: PooledTransaction, rules: TransactionRules): void {
  const { blobFeeCap = 0n, blobHashes, sidecar } = transaction;
  if (blobFeeCap < MIN_BLOB_FEE) refuse('ERR_POOL_TX_FEE', `a fee of ${blobFeeCap} for blobs`);
  if (blobHashes.length === 0 || blobHashes.length > rules.maxBlobs)
    refuse('ERR_POOL_TX_BLOBS', `${blobHashes.length} blobs where 1 to ${rules.maxBlobs} are allowed`);
  // EIP-7594. Version 1 is taken before Osaka, too: geth wants nothing else on any chain.
  if (rules.osaka && sidecar?.version === 0)
    refuse('ERR_POOL_TX_BLOBS', 'a sidecar of version 0 after Osaka');
}

function refuse(code: PoolErrorCode, what: string): never {
  throw new PoolError(code, `transaction: ${what}`);
}
