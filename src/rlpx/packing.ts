import {
  CodecError,
  SnappySteps,
  snappyCompress,
  snappyDeclaredBytes,
  snappyDecompress,
  snappyDecompressSpent,
  snappyHead,
} from '../codec/index.js';
import type { SharedCapability } from './capabilities.js';
import { RlpxError } from './errors.js';

/** A message made ready once for many connections. */
export interface PackedMessage {
  /** Relative to its capability. */
  readonly id: number;
  readonly plainBytes: number;
  /** The compressed payload (EIP-706). */
  readonly body: Uint8Array;
  /** The payload itself, for peers that do not compress. */
  readonly plain: Uint8Array;
}

/** Compresses once. @param id relative to the capability it will be sent on @param payload RLP; must not change afterwards */
export function packMessage(id: number, payload: Uint8Array): PackedMessage {
  return { id, plainBytes: payload.length, body: snappyCompress(payload), plain: payload };
}

/** A message of a capability as it came in, still compressed. */
export interface IncomingMessage {
  readonly capability: SharedCapability;
  /** Relative to the capability: 0 to `capability.length − 1`. */
  readonly id: number;
  /** Of its whole frame. */
  readonly wireBytes: number;
  /** Size once decompressed, as it claims; already known to be allowed and possible. */
  readonly declaredBytes: number;
  /**
   * The first bytes of the payload; no more than these is decompressed. @returns fewer where there are no more
   * @throws RlpxError ERR_RLPX_SNAPPY
   */
  head(bytes: number): Uint8Array;
  /**
   * The payload, decompressed at the first call. @param maxBytes the most that this message may have
   * @throws RlpxError ERR_RLPX_MESSAGE_SIZE, ERR_RLPX_SNAPPY
   */
  payload(maxBytes: number): Uint8Array;
  /**
   * Decompresses some more, where all at once would hold the loop. What did not yield far more than came is opened at once.
   * @param maxBytes the most that this message may have @param bytes of the payload that this call is for
   * @returns whether all is there: `payload` costs nothing then
   * @throws RlpxError ERR_RLPX_MESSAGE_SIZE, ERR_RLPX_SNAPPY
   */
  open(maxBytes: number, bytes: number): boolean;
}

/** The most that compressed bytes can yield: copies of three bytes that make 64, and a little for the length in front. */
const MAX_YIELD = 64 / 3;

/** What yields no more than so many times its bytes is opened at once, often where it lies: the wire bounds what that takes. */
const OPENED_AT_ONCE = 2;

export class ReceivedMessage implements IncomingMessage {
  readonly capability: SharedCapability;
  readonly id: number;
  readonly wireBytes: number;
  readonly declaredBytes: number;
  #body: Uint8Array;
  #compressed: boolean;
  #steps: SnappySteps | undefined;

  /** @param maxBytes the most that any message may claim @throws RlpxError ERR_RLPX_MESSAGE_SIZE, ERR_RLPX_SNAPPY */
  constructor(
    capability: SharedCapability,
    id: number,
    wireBytes: number,
    body: Uint8Array,
    compressed: boolean,
    maxBytes: number,
  ) {
    this.capability = capability;
    this.id = id;
    this.wireBytes = wireBytes;
    this.declaredBytes = compressed ? plausibleBytes(body) : body.length;
    if (this.declaredBytes > maxBytes) throw tooLarge(this, maxBytes);
    this.#body = body;
    this.#compressed = compressed;
  }

  head(bytes: number): Uint8Array {
    if (!this.#compressed) return this.#body.subarray(0, bytes);
    try {
      return snappyHead(this.#body, bytes);
    } catch (error) {
      throw asSnappyBreach(error);
    }
  }

  payload(maxBytes: number): Uint8Array {
    if (this.declaredBytes > maxBytes) throw tooLarge(this, maxBytes);
    if (this.#compressed) {
      this.#body = unpack(this.#body, this.declaredBytes, snappyDecompressSpent); // ours alone
      this.#compressed = false;
    }
    return this.#body;
  }

  open(maxBytes: number, bytes: number): boolean {
    if (this.declaredBytes > maxBytes) throw tooLarge(this, maxBytes);
    if (!this.#compressed) return true;
    if (this.declaredBytes <= OPENED_AT_ONCE * this.#body.length) {
      this.payload(maxBytes);
      return true;
    }
    try {
      this.#steps ??= new SnappySteps(this.#body, this.declaredBytes);
      const content = this.#steps.next(bytes);
      if (content === undefined) return false;
      this.#body = content;
      this.#compressed = false;
      this.#steps = undefined;
      return true;
    } catch (error) {
      throw asSnappyBreach(error);
    }
  }
}

/** @throws RlpxError ERR_RLPX_SNAPPY */
export function unpack(
  body: Uint8Array,
  maxBytes: number,
  decompress: typeof snappyDecompressSpent = snappyDecompress,
): Uint8Array {
  try {
    return decompress(body, maxBytes);
  } catch (error) {
    throw asSnappyBreach(error);
  }
}

/** Nothing is allocated for a claim: it must be what so many bytes can yield. */
function plausibleBytes(body: Uint8Array): number {
  try {
    const declared = snappyDeclaredBytes(body);
    if (declared <= Math.ceil(body.length * MAX_YIELD) + 1) return declared;
  } catch (error) {
    throw asSnappyBreach(error);
  }
  throw new RlpxError(
    'ERR_RLPX_SNAPPY',
    `${body.length} bytes that claim to decompress to more than they can`,
  );
}

function tooLarge({ capability, id, declaredBytes }: IncomingMessage, maxBytes: number): RlpxError {
  const which = `${capability.name}/${capability.version} message ${id}`;
  return new RlpxError('ERR_RLPX_MESSAGE_SIZE', `${which} of ${declaredBytes} bytes, ${maxBytes} may be`);
}

function asSnappyBreach(error: unknown): unknown {
  return error instanceof CodecError ? new RlpxError('ERR_RLPX_SNAPPY', undefined, { cause: error }) : error;
}
