/** Host names to addresses. */
export interface Dns {
  /** @returns A and AAAA answers as IP texts, IPv4 first; at least one. @throws RuntimeError ERR_RUNTIME_DNS, ERR_RUNTIME_ABORTED */
  lookup(hostName: string, options?: { readonly signal?: AbortSignal }): Promise<readonly string[]>;
}
