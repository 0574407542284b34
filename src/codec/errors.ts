export type CodecErrorCode = 'ERR_CODEC_RLP' | 'ERR_CODEC_HEX' | 'ERR_CODEC_SNAPPY' | 'ERR_CODEC_INTEGER';

/** Bytes or text that are not what they should be. One code per format; the message says what was wrong. */
export class CodecError extends Error {
  override readonly name = 'CodecError';
  readonly code: CodecErrorCode;

  constructor(code: CodecErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
