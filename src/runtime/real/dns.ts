import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Dns } from '../dns.js';
import { RuntimeError } from '../errors.js';
import { messageOf, systemWord } from './system-word.js';

/** Settles with `work`, or rejects as soon as `signal` is aborted. The system's lookup cannot be called off; its answer is dropped. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () =>
      reject(new RuntimeError('ERR_RUNTIME_ABORTED', 'lookup called off', { cause: signal.reason }));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The system's resolver: hosts file first, then DNS, as `getaddrinfo` is set up. */
export const realDns: Dns = {
  async lookup(hostName, options) {
    if (isIP(hostName) !== 0) return [hostName];
    if (options?.signal?.aborted === true) {
      throw new RuntimeError('ERR_RUNTIME_ABORTED', 'lookup called off', { cause: options.signal.reason });
    }
    if (hostName === '' || hostName.length > 253) {
      throw new RuntimeError('ERR_RUNTIME_DNS', `not a host name: "${hostName.slice(0, 64)}"`, {
        detail: 'ENOTFOUND',
      });
    }
    const query = lookup(hostName, { all: true, verbatim: true }).catch((error: unknown) => {
      throw new RuntimeError('ERR_RUNTIME_DNS', `cannot find ${hostName}: ${messageOf(error)}`, {
        detail: systemWord(error),
        cause: error,
      });
    });
    const answers = await unlessAborted(query, options?.signal);
    const ofFamily = (family: number): string[] =>
      answers.filter((answer) => answer.family === family).map((answer) => answer.address);
    const addresses = [...new Set([...ofFamily(4), ...ofFamily(6)])];
    if (addresses.length === 0) {
      throw new RuntimeError('ERR_RUNTIME_DNS', `${hostName} has no address`, { detail: 'ENODATA' });
    }
    return addresses;
  },
};
