import { sameBytes } from '../codec/index.js';
import type { RlpxCrypto } from '../crypto/index.js';
import { CreationFailed } from './errors.js';
import type { ManagedSession } from './managed-session.js';
import { argument, type DialTo, MAX_PORT } from './manager-options.js';
import type { Places } from './places.js';
import { isEstablished } from './state.js';

const PUBLIC_KEY_BYTES = 64;

/**
 * What is wrong with a dial before anything is done for it.
 * @param ours our own public key @throws SessionError ERR_SESSION_ARGUMENT; CreationFailed ERR_SESSION_SELF,
 *   ERR_SESSION_ALREADY_CONNECTED
 */
export function checkTarget(
  { host, port, publicKey }: DialTo,
  ours: Uint8Array,
  crypto: Pick<RlpxCrypto, 'isPublicKey'>,
  places: Pick<Places, 'activeWith' | 'pendingWith'>,
): void {
  if (host === '') throw argument('host is empty');
  if (!Number.isInteger(port) || port < 1 || port > MAX_PORT)
    throw argument(`port ${port} is not one of 1 to ${MAX_PORT}`);
  if (publicKey.length !== PUBLIC_KEY_BYTES || !crypto.isPublicKey(publicKey))
    throw argument('publicKey is not a key of 64 bytes');
  if (sameBytes(publicKey, ours)) throw new CreationFailed('ERR_SESSION_SELF', 'that is ourselves');
  const other = places.activeWith(publicKey) ?? places.pendingWith(publicKey)[0];
  if (other === undefined) return;
  const says = `session ${other.id} with this peer is ${other.state}`;
  throw new CreationFailed('ERR_SESSION_ALREADY_CONNECTED', says);
}

/** The signal withdraws the dial for as long as it is under way; an active session is not touched by it. */
export function withdrawWith(session: ManagedSession, signal: AbortSignal): void {
  const withdraw = (): void => {
    if (!isEstablished(session.state)) session.disconnect();
  };
  signal.addEventListener('abort', withdraw, { once: true });
  const forget = (): void => signal.removeEventListener('abort', withdraw);
  session.active.then(forget, forget);
}
