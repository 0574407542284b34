import { CodecError, hexToBytes } from '../../codec/index.js';
import { isRecord } from './rpc.js';

/** What an upstream says is not what its method answers. It never leaves this folder. */
export class UpstreamFault extends Error {
  override readonly name = 'UpstreamFault';
}

export type JsonRecord = Readonly<Record<string, unknown>>;

/** @throws UpstreamFault */
export function recordOf(value: unknown, what: string): JsonRecord {
  if (isRecord(value)) return value;
  throw new UpstreamFault(`${what} is no object`);
}

/** @throws UpstreamFault */
export function listOf(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  throw new UpstreamFault(`${what} is no list`);
}

/** Bytes in hex with `0x`. @throws UpstreamFault */
export function dataOf(value: unknown, what: string): Uint8Array {
  if (typeof value !== 'string' || !value.startsWith('0x')) throw new UpstreamFault(`${what} is no data`);
  try {
    return hexToBytes(value);
  } catch (error) {
    if (error instanceof CodecError) throw new UpstreamFault(`${what}: ${error.message}`);
    throw error;
  }
}

/** 256 bits, the largest number there is here. */
const QUANTITY = /^0x[0-9a-fA-F]{1,64}$/;

/** @throws UpstreamFault */
export function quantityOf(value: unknown, what: string): bigint {
  if (typeof value === 'string' && QUANTITY.test(value)) return BigInt(value);
  throw new UpstreamFault(`${what} is no quantity`);
}

/** A number as JSON-RPC writes it. */
export function quantity(value: bigint): string {
  return `0x${value.toString(16)}`;
}
