import { Dialer, type DialWait, type Enode, type NetRestrict, StaticPolicy } from '../peers/index.js';
import type { World } from '../runtime/index.js';
import type { CloseCause, PeerPolicy, Session, SessionHandle, SessionManager } from '../session/index.js';
import { dialEnd, dialOnce } from './dialing.js';

/** Peers that gave false data are not let in again for so long, unless they are trusted. */
const MISBEHAVED_MS = 600_000;

export interface ContactsOptions {
  readonly world: Pick<World, 'clock' | 'random'>;
  readonly netRestrict: NetRestrict | undefined;
  /** Asked for when the first peer is dialed: sessions are made with the policy of these contacts. */
  readonly sessions: () => SessionManager;
  /** A peer has no session; the next dial comes later. */
  readonly waiting: (publicKey: Uint8Array, wait: DialWait) => void;
}

/** Whom the node wants to talk to, and with whom not: peers that are dialed again and again, and who is let in. */
export class Contacts {
  readonly #sessions: () => SessionManager;
  readonly #policy: StaticPolicy;
  readonly #dialer: Dialer;

  constructor({ world, netRestrict, sessions, waiting }: ContactsOptions) {
    this.#sessions = sessions;
    this.#policy = new StaticPolicy({ clock: world.clock, netRestrict });
    this.#dialer = new Dialer({
      clock: world.clock,
      random: world.random,
      dial: (target, { signal }) => dialOnce(() => sessions().dial(target, { kind: target.kind, signal })),
      waiting: ({ publicKey }, wait) => waiting(publicKey, wait),
    });
  }

  /** Who is let in. */
  get policy(): PeerPolicy {
    return this.#policy;
  }

  /** Dials a peer now, and again after every end. */
  add(peer: Enode, kind: 'static' | 'trusted'): void {
    this.#policy.add(peer.publicKey, kind, peer.host);
    this.#dialer.add({ ...peer, kind });
  }

  /** Dials the peer no more; a session that stands is left alone. */
  remove(publicKey: Uint8Array): void {
    this.#dialer.remove(publicKey);
    this.#policy.remove(publicKey);
  }

  established({ publicKey }: Session): void {
    this.#dialer.established(publicKey);
  }

  /** A session that was active is over. The peer is dialed again, unless another session with it has taken its place. */
  lost(session: SessionHandle, cause: CloseCause): void {
    const { publicKey } = session;
    if (publicKey === undefined || this.#dialer.stateOf(publicKey) !== 'connected') return; // nobody whom we dial
    if (this.#sessions().getByPeer(publicKey) === undefined)
      this.#dialer.ended(publicKey, dialEnd(cause, session.describe().activeAtMs));
  }

  /** A peer has broken a rule: it is not let in again for a while. */
  refuse(publicKey: Uint8Array): void {
    this.#policy.refuse(publicKey, MISBEHAVED_MS);
  }

  /** Dials nobody any more. */
  stop(): void {
    this.#dialer.stop();
  }
}
