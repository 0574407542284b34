import type { RlpReader } from '../codec/index.js';

const ADDRESS_BYTES = 20;
const TOPIC_BYTES = 32;
/** LOG4 is the last. */
const MAX_TOPICS = 4;

/**
 * Reads one log, [address, [topic…], data], and hands over what bloom filters are made of: its address and each topic, as
 * views. @throws CodecError ERR_CODEC_RLP for what is no log
 */
export function readLog(logs: RlpReader, entry?: (entry: Uint8Array) => void): void {
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

/** Checks logs to their end. @throws CodecError ERR_CODEC_RLP for what are no logs */
export function readLogs(logs: RlpReader): void {
  while (!logs.done) readLog(logs);
}
