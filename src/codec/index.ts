export { BytePool, unfilled } from './byte-pool.js';
export { compareBytes, concatBytes, EMPTY_BYTES, sameBytes } from './bytes.js';
export { CodecError, type CodecErrorCode } from './errors.js';
export { bytesToHex, hexToBytes, prefixedHex } from './hex.js';
export {
  bigintToBytes,
  bytesToBigint,
  numberToBytes,
  readUint16,
  readUint24,
  readUint48,
  readUint64,
  significantBytes,
  writeUint16,
  writeUint24,
  writeUint64,
} from './integers.js';
export { JsonSplitter, MAX_JSON_DEPTH, type SplitBreach } from './json-splitter.js';
export { RlpReader, readList, readListHead } from './rlp-reader.js';
export { MAX_RLP_DEPTH, type RlpLimits, rlpWellFormed } from './rlp-well-formed.js';
export {
  encodeBoolean,
  encodeBytes,
  encodedListBytes,
  encodeFixedList,
  encodeList,
  encodeLists,
  encodeUint,
} from './rlp-writer.js';
export {
  SnappySteps,
  snappyCompress,
  snappyCompressInto,
  snappyDeclaredBytes,
  snappyDecompress,
  snappyDecompressSpent,
  snappyHead,
  snappyMostBytes,
} from './snappy.js';
