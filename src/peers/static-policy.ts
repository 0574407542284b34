import { bytesToHex } from '../codec/index.js';
import { DISCONNECT, type DisconnectReason } from '../rlpx/index.js';
import type { TcpAddress } from '../runtime/index.js';
import type { NetRestrict } from './net-restrict.js';

/** `trusted` peers come in beyond every limit, `static` ones are dialed again and again, the rest is `dynamic`. */
export type PeerKind = 'dynamic' | 'static' | 'trusted';

/** Somebody who wants a session with us, or whom we want one with, as far as is known at this stage. */
export interface PeerCandidate {
  readonly stage: 'accept' | 'authenticated' | 'activate';
  readonly direction: 'inbound' | 'outbound';
  /** 64 bytes; known once the key is proven, or before the dial. */
  readonly publicKey?: Uint8Array | undefined;
  readonly address: TcpAddress;
}

export type Admission =
  | { readonly accept: true; readonly kind: PeerKind }
  | { readonly accept: false; readonly reason: DisconnectReason; readonly says: string };

/** Admits everyone within the allowed networks, and knows who is trusted and who is static by their keys. */
export class StaticPolicy {
  readonly #kinds = new Map<string, 'static' | 'trusted'>();
  readonly #netRestrict: NetRestrict | undefined;

  constructor(options: { readonly netRestrict?: NetRestrict | undefined } = {}) {
    this.#netRestrict = options.netRestrict;
  }

  /** A key that was given as both is trusted: that is the wider promise. */
  add(publicKey: Uint8Array, kind: 'static' | 'trusted'): void {
    const key = bytesToHex(publicKey);
    if (this.#kinds.get(key) !== 'trusted') this.#kinds.set(key, kind);
  }

  remove(publicKey: Uint8Array): void {
    this.#kinds.delete(bytesToHex(publicKey));
  }

  kindOf(publicKey: Uint8Array): PeerKind {
    return this.#kinds.get(bytesToHex(publicKey)) ?? 'dynamic';
  }

  admit(candidate: PeerCandidate): Admission {
    const { address, publicKey } = candidate;
    if (this.#netRestrict !== undefined && !this.#netRestrict.allows(address.host)) {
      const says = `${address.host} is outside of the allowed networks (${this.#netRestrict})`;
      return { accept: false, reason: DISCONNECT.requested, says };
    }
    return { accept: true, kind: publicKey === undefined ? 'dynamic' : this.kindOf(publicKey) };
  }
}
