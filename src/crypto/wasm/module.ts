/**
 * As much of WebAssembly as is used here: the language's own types leave it to the platform's, and Node's do not have it.
 * Undefined where it is switched off (`--jitless`).
 */
interface WebAssemblyApi {
  readonly Module: new (binary: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
}

/**
 * Compiles at once and without waiting: a few KiB take less than a millisecond.
 * @param base64 a module without imports
 * @returns what it exports
 * @throws Error where there is no WebAssembly or the module does not compile
 */
export function instantiate(base64: string): object {
  const api = (globalThis as { readonly WebAssembly?: WebAssemblyApi }).WebAssembly;
  if (api === undefined) throw new Error('this process runs without WebAssembly');
  return new api.Instance(new api.Module(Buffer.from(base64, 'base64')), {}).exports;
}
