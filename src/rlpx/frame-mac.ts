import type { BlockCipher, KeccakStream } from '../crypto/crypto.js';

const MAC_BYTES = 16;

/**
 * The running MAC of one direction (devp2p, "MAC"): a Keccak state that every frame stirs on. Header and body are each
 * folded in together with the state's own hash, encrypted, so that nobody without the key can carry it on.
 */
export class FrameMac {
  readonly #state: KeccakStream;
  readonly #cipher: BlockCipher;
  /** Of the state as it stands, where that is known: what closed one frame opens the next, and a digest costs a third of a small frame's MACs. */
  #digest: Uint8Array | undefined;

  constructor(state: KeccakStream, cipher: BlockCipher) {
    this.#state = state;
    this.#cipher = cipher;
  }

  /** @param ciphertext the encrypted header, 16 bytes @returns its MAC, 16 bytes */
  header(ciphertext: Uint8Array): Uint8Array {
    return this.#fold(this.#digest ?? this.#state.digest(), ciphertext);
  }

  /** Takes in a piece of the encrypted body; a large one may come in any pieces. */
  body(ciphertext: Uint8Array): void {
    this.#state.update(ciphertext);
  }

  /** @returns the MAC of the body that came in, 16 bytes */
  bodyMac(): Uint8Array {
    const digest = this.#state.digest();
    return this.#fold(digest, digest);
  }

  #fold(digest: Uint8Array, seed: Uint8Array): Uint8Array {
    const folded = this.#cipher.encrypt(digest.subarray(0, MAC_BYTES));
    for (let i = 0; i < MAC_BYTES; i++) folded[i] = (folded[i] as number) ^ (seed[i] as number);
    this.#state.update(folded);
    this.#digest = this.#state.digest();
    return this.#digest.subarray(0, MAC_BYTES);
  }
}
