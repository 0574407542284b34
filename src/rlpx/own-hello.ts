import type { Capability } from './capabilities.js';
import { encodeHello, type Hello } from './hello.js';

let last: { readonly hello: Hello; readonly encoded: Uint8Array } | undefined;

/**
 * Our Hello, encoded once as long as it stays the same: 30 µs where a connection comes in seldom, and what most of them send
 * first is garbage.
 * @returns not to be changed @throws RlpxError ERR_RLPX_ARGUMENT above 2 KiB
 */
export function ownHello(hello: Hello): Uint8Array {
  if (last !== undefined && says(last.hello, hello)) return last.encoded;
  const encoded = encodeHello(hello);
  last = { hello: { ...hello, capabilities: hello.capabilities.map((one) => ({ ...one })) }, encoded };
  return encoded;
}

/** Keys are compared by identity: `ownPublicKey` gives the same array for the same key. */
function says(before: Hello, { p2pVersion, clientId, capabilities, listenPort, publicKey }: Hello): boolean {
  return (
    before.publicKey === publicKey &&
    before.clientId === clientId &&
    before.listenPort === listenPort &&
    before.p2pVersion === p2pVersion &&
    before.capabilities.length === capabilities.length &&
    before.capabilities.every((one, i) => isSame(one, capabilities[i]))
  );
}

function isSame(one: Capability, other: Capability | undefined): boolean {
  return one.name === other?.name && one.version === other.version;
}
