/** Where unpredictable bytes come from: the operating system, or a seeded generator in simulations. */
export interface Random {
  /** @returns `length` fresh bytes, owned by the caller. */
  bytes(length: number): Uint8Array;
  /** @returns a number in [0, 1), for jitter and choices that need no secrecy. */
  unit(): number;
}
