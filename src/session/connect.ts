import { type Dns, RuntimeError, type Tcp, type TcpAddress, type TcpSocket } from '../runtime/index.js';
import { type Ending, endings } from './close-cause.js';

/** Addresses of one name that are tried, one after the other. */
const MAX_ADDRESSES = 4;

/** Whether the text is an address already, which no name may look like: digits and dots, or colons. */
export function isAddress(host: string): boolean {
  return host.includes(':') || /^\d+(\.\d+){3}$/.test(host);
}

/**
 * Looks the name up and connects to the first of its addresses that is admitted and answers, within the time of `signal`.
 * @returns the socket, or why there is none
 */
export async function connectTo(
  world: { readonly tcp: Tcp; readonly dns: Dns },
  to: { readonly host: string; readonly port: number },
  admit: (address: TcpAddress) => Ending | undefined,
  signal: AbortSignal,
): Promise<{ readonly socket: TcpSocket } | { readonly ending: Ending }> {
  try {
    const hosts = isAddress(to.host) ? [to.host] : await world.dns.lookup(to.host, { signal });
    let ending = unreachable(new RuntimeError('ERR_RUNTIME_DNS', `${to.host} has no address`));
    for (const host of hosts.slice(0, MAX_ADDRESSES)) {
      const address = { host, port: to.port };
      const refusal = admit(address);
      if (refusal === undefined) {
        try {
          return { socket: await world.tcp.connect(address, { signal }) };
        } catch (error) {
          ending = unreachable(error);
        }
      } else {
        ending = refusal;
      }
      if (signal.aborted) break;
    }
    return { ending };
  } catch (error) {
    return { ending: unreachable(error) };
  }
}

function unreachable(error: unknown): Ending {
  if (!(error instanceof RuntimeError)) return endings.internal(error);
  return { kind: 'fault', by: 'transport', code: error.detail ?? error.code, says: error.message };
}
