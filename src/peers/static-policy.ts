import { bytesToHex } from '../codec/index.js';
import { DISCONNECT, type DisconnectReason } from '../rlpx/index.js';
import type { Clock, TcpAddress } from '../runtime/index.js';
import { InboundThrottle } from './inbound-throttle.js';
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
  /** What whoever dials says of the peer. */
  readonly kind?: PeerKind | undefined;
}

export type Admission =
  | { readonly accept: true; readonly kind: PeerKind }
  | { readonly accept: false; readonly reason: DisconnectReason; readonly says: string };

/** Keys that are refused for a while; the oldest makes way, so that fresh keys cost us no more than this. */
const MAX_REFUSED = 1_024;

/**
 * Admits everyone within the allowed networks, nobody from outside of the local one too often, and knows who is trusted and
 * who is static by their keys.
 */
export class StaticPolicy {
  readonly #kinds = new Map<string, 'static' | 'trusted'>();
  /** Key to the address that was given with it: from there one may come as often as one likes. */
  readonly #hosts = new Map<string, string>();
  /** Key to the moment at which it may come back, on the scale of the clock. */
  readonly #refusedUntilMs = new Map<string, number>();
  readonly #clock: Pick<Clock, 'now'>;
  readonly #netRestrict: NetRestrict | undefined;
  readonly #throttle: InboundThrottle;

  constructor(options: {
    readonly clock: Pick<Clock, 'now'>;
    readonly netRestrict?: NetRestrict | undefined;
  }) {
    this.#clock = options.clock;
    this.#netRestrict = options.netRestrict;
    this.#throttle = new InboundThrottle(options.clock);
  }

  /** Turns this key away for so long, unless it is trusted. */
  refuse(publicKey: Uint8Array, forMs: number): void {
    const key = bytesToHex(publicKey);
    this.#refusedUntilMs.delete(key); // to the end of the order
    this.#refusedUntilMs.set(key, this.#clock.now() + forMs);
    for (const oldest of this.#refusedUntilMs.keys()) {
      if (this.#refusedUntilMs.size <= MAX_REFUSED) return;
      this.#refusedUntilMs.delete(oldest);
    }
  }

  /** A key that was given as both is trusted: that is the wider promise. @param host where the peer is expected */
  add(publicKey: Uint8Array, kind: 'static' | 'trusted', host?: string): void {
    const key = bytesToHex(publicKey);
    if (host !== undefined) this.#hosts.set(key, host);
    if (this.#kinds.get(key) !== 'trusted') this.#kinds.set(key, kind);
  }

  remove(publicKey: Uint8Array): void {
    this.#kinds.delete(bytesToHex(publicKey));
    this.#hosts.delete(bytesToHex(publicKey));
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
    const tooOften = this.#comesTooOften(candidate);
    if (tooOften !== undefined) return { accept: false, reason: DISCONNECT.tooManyPeers, says: tooOften };
    const known = publicKey === undefined ? 'dynamic' : this.kindOf(publicKey);
    const kind = wider(known, candidate.kind ?? 'dynamic');
    if (kind !== 'trusted' && publicKey !== undefined && this.#isRefused(bytesToHex(publicKey))) {
      const says = 'this peer gave false data a short while ago';
      return { accept: false, reason: DISCONNECT.uselessPeer, says };
    }
    return { accept: true, kind };
  }

  /** @returns why, if so */
  #comesTooOften({ stage, direction, address: { host } }: PeerCandidate): string | undefined {
    if (stage !== 'accept' || direction !== 'inbound') return undefined;
    for (const expected of this.#hosts.values()) if (expected === host) return undefined;
    return this.#throttle.admit(host);
  }

  #isRefused(key: string): boolean {
    const untilMs = this.#refusedUntilMs.get(key);
    if (untilMs === undefined) return false;
    if (this.#clock.now() < untilMs) return true;
    this.#refusedUntilMs.delete(key);
    return false;
  }
}

/** The kind that may do more. */
function wider(a: PeerKind, b: PeerKind): PeerKind {
  if (a === 'trusted' || b === 'trusted') return 'trusted';
  return a === 'static' ? a : b;
}
