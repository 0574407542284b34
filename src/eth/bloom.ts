import type { RlpReader } from '../codec/index.js';
import type { Hasher } from './hasher.js';

export const BLOOM_BYTES = 256;
const ADDRESS_BYTES = 20;
const TOPIC_BYTES = 32;
/** LOG4 is the last. */
const MAX_TOPICS = 4;

/**
 * Reads logs to their end, [address, [topic…], data] each, and hands over what bloom filters are made of: each address and
 * each topic. @throws CodecError ERR_CODEC_RLP for what is no log
 */
export function readLogs(logs: RlpReader, entry?: (entry: Uint8Array) => void): void {
  while (!logs.done) {
    const log = logs.list();
    const address = log.fixed(ADDRESS_BYTES);
    entry?.(address);
    const topics = log.list();
    topics.count(MAX_TOPICS);
    while (!topics.done) {
      const topic = topics.fixed(TOPIC_BYTES);
      entry?.(topic);
    }
    log.bytes();
    log.finish();
  }
}

/** Sets three of 2,048 bits, from the first three pairs of bytes of the entry's hash (yellow paper, 4.3.1). */
export function addToBloom(bloom: Uint8Array, entry: Uint8Array, hasher: Hasher): void {
  const hash = hasher.keccak256(entry);
  for (let pair = 0; pair < 6; pair += 2) {
    const bit = (((hash[pair] as number) & 7) << 8) | (hash[pair + 1] as number);
    const at = BLOOM_BYTES - 1 - (bit >> 3);
    bloom[at] = (bloom[at] as number) | (1 << (bit & 7));
  }
}
