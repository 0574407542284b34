import type { Dns } from '../dns.js';
import { RuntimeError } from '../errors.js';
import type { VirtualClock } from './clock.js';

export interface SimulatedDnsOptions {
  /** How long an answer takes. Default 5 ms. */
  readonly latencyMs?: number;
}

const looksLikeAddress = (text: string): boolean => /^\d+\.\d+\.\d+\.\d+$/.test(text) || text.includes(':');

/** A resolver that knows what it was told. */
export class SimulatedDns implements Dns {
  readonly #clock: VirtualClock;
  readonly #latencyMs: number;
  readonly #names = new Map<string, readonly string[] | 'silent' | { readonly detail: string }>();

  constructor(clock: VirtualClock, options: SimulatedDnsOptions = {}) {
    this.#clock = clock;
    this.#latencyMs = options.latencyMs ?? 5;
  }

  /** What `name` answers from now on; with no address at all it is unknown again. */
  set(name: string, addresses: readonly string[]): void {
    if (addresses.length === 0) this.#names.delete(name);
    else this.#names.set(name, [...addresses]);
  }

  /** Lookups of `name` fail with the system's word `detail` (`EAI_AGAIN`). */
  fail(name: string, detail: string): void {
    this.#names.set(name, { detail });
  }

  /** Lookups of `name` are never answered. */
  silence(name: string): void {
    this.#names.set(name, 'silent');
  }

  lookup(hostName: string, options?: { readonly signal?: AbortSignal }): Promise<readonly string[]> {
    const signal = options?.signal;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        wait?.cancel();
        reject(new RuntimeError('ERR_RUNTIME_ABORTED', 'lookup called off', { cause: signal?.reason }));
      };
      const wait = looksLikeAddress(hostName)
        ? undefined
        : this.#clock.happening(this.#names.get(hostName) === 'silent' ? Infinity : this.#latencyMs, () => {
            signal?.removeEventListener('abort', onAbort);
            const known = this.#names.get(hostName);
            if (known === undefined || known === 'silent') fail('ENOTFOUND');
            else if ('detail' in known) fail(known.detail);
            else resolve([...known].sort((a, b) => Number(a.includes(':')) - Number(b.includes(':'))));
          });
      const fail = (detail: string): void =>
        reject(new RuntimeError('ERR_RUNTIME_DNS', `cannot find ${hostName}: ${detail}`, { detail }));
      if (signal?.aborted === true) onAbort();
      else if (wait === undefined) resolve([hostName]);
      else signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}
