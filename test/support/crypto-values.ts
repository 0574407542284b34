/** Order of the field and of the group of secp256k1, written from SEC 2, not taken from `src`. */
export const P = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn;
export const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

export function text(ascii: string): Uint8Array {
  return new TextEncoder().encode(ascii);
}

export function hex(value: Uint8Array): string {
  return Buffer.from(value).toString('hex');
}

export function bytes(hexText: string): Uint8Array {
  return new Uint8Array(Buffer.from(hexText, 'hex'));
}

/** 32 bytes, big-endian. */
export function word(value: bigint): Uint8Array {
  return bytes(value.toString(16).padStart(64, '0'));
}

/** A small secret key. */
export function scalar(value: number): Uint8Array {
  return word(BigInt(value));
}

/** x ‖ y, whatever they are. */
export function point(x: bigint, y: bigint): Uint8Array {
  return bytes(x.toString(16).padStart(64, '0') + y.toString(16).padStart(64, '0'));
}
