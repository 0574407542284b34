import { sameBytes } from '../codec/index.js';
import type { RlpxCrypto } from '../crypto/index.js';
import { DISCONNECT, disconnectName, isDisconnectReason } from '../rlpx/index.js';
import type { Logger, TcpAddress } from '../runtime/index.js';
import { type Ending, endings } from './close-cause.js';
import { activeSlot, SessionCounter, type SessionLimits, type SlotKind } from './counter.js';
import { ExceedsSessionLimit } from './errors.js';
import { textOf } from './foreign-code.js';
import type { Place } from './host.js';
import { makesWay } from './making-way.js';
import type { ManagedSession } from './managed-session.js';
import type { PeerCandidate, PeerKind, PeerPolicy, PeerVerdict } from './policy.js';
import { SessionsByKey } from './sessions-by-key.js';
import { type Contender, type DialStage, decideDial, firstDirection, isUnsure } from './simultaneous-dial.js';
import type { SessionTemplate, SessionTemplates } from './templates.js';

/** Half of the active ones dialed, half accepted, as many on their way (geth: 50 and 50; the ratio is the caller's). */
export const DEFAULT_LIMITS: SessionLimits = {
  maxPendingInbound: 50,
  maxPendingOutbound: 50,
  maxActiveInbound: 25,
  maxActiveOutbound: 25,
};

const LIMIT_OF: Readonly<Record<SlotKind, keyof SessionLimits>> = {
  pendingInbound: 'maxPendingInbound',
  pendingOutbound: 'maxPendingOutbound',
  activeInbound: 'maxActiveInbound',
  activeOutbound: 'maxActiveOutbound',
};

export interface PlacesOptions {
  readonly limits: SessionLimits;
  readonly policy: PeerPolicy;
  readonly templates: SessionTemplates;
  readonly crypto: RlpxCrypto;
  /** Ours: 64 bytes. */
  readonly publicKey: Uint8Array;
  readonly logger: Logger;
}

/**
 * Who gets a place: one question, asked before any work, once the key is proven, and once Status agrees, since the house
 * may have filled meanwhile. One session per peer, none with ourselves, four limits, and what the policy says.
 */
export class Places {
  readonly counter: SessionCounter<ManagedSession>;
  readonly #options: PlacesOptions;
  readonly #nodeId: Uint8Array;
  readonly #active = new SessionsByKey<ManagedSession>();

  constructor(options: PlacesOptions) {
    this.#options = options;
    this.counter = new SessionCounter(options.limits);
    this.#nodeId = options.crypto.keccak256(options.publicKey);
  }

  /** A socket has come in. @returns why it is not worth a session, or who makes way for it */
  toAccept(address: TcpAddress): Acceptance {
    const isFull = !this.counter.hasRoom('pendingInbound');
    const evicted = isFull ? this.#makesWay() : undefined;
    // who finds no place is not asked about: the policy counts those that it lets in
    if (isFull && evicted === undefined) return { refusal: this.#full('pendingInbound').message };
    const verdict = this.#ask({ stage: 'accept', direction: 'inbound', address });
    return verdict.accept ? { evicted } : { refusal: verdict.says };
  }

  /** @returns which limit a dial would exceed. */
  limitToDial(kind: PeerKind): ExceedsSessionLimit | undefined {
    if (kind === 'trusted') return undefined;
    if (!this.counter.hasRoom('pendingOutbound')) return this.#full('pendingOutbound');
    return this.counter.hasRoom('activeOutbound') ? undefined : this.#full('activeOutbound');
  }

  /** An address is about to be contacted. */
  toConnect(session: ManagedSession, address: TcpAddress): Place {
    return this.#byPolicy(session, 'accept', address, session.publicKey);
  }

  authenticated(session: ManagedSession, publicKey: Uint8Array): Place {
    const { publicKey: wanted, address } = session;
    if (sameBytes(publicKey, this.#options.publicKey)) {
      return refuse(DISCONNECT.connectedToSelf, 'ERR_SESSION_SELF', 'that is ourselves');
    }
    if (wanted !== undefined && !sameBytes(publicKey, wanted)) {
      return refuse(DISCONNECT.unexpectedIdentity, 'ERR_SESSION_IDENTITY', 'another key than we dialed');
    }
    const place = this.#byPolicy(session, 'authenticated', address, publicKey);
    if (place.verdict !== 'accept') return place;
    const other = this.activeWith(publicKey) ?? this.#samePendingDirection(session, publicKey);
    if (other !== undefined) return duplicateOf(other);
    return this.#withinLimits(session, place);
  }

  /** Where both dialed each other at once, `decideDial` says which connection goes on. */
  active(session: ManagedSession): Place {
    const { publicKey, address } = session;
    if (publicKey === undefined) throw new TypeError('a session without a key wants to be active');
    const place = this.#byPolicy(session, 'activate', address, publicKey);
    if (place.verdict !== 'accept') return place;
    const first = firstDirection(this.#nodeId, this.#options.crypto.keccak256(publicKey));
    const decision = decideDial(session, first, this.#contenders(session));
    if (decision === 'wait') return { verdict: 'wait' };
    const other = decision === 'yield' ? this.activeWith(publicKey) : undefined;
    return other === undefined ? this.#withinLimits(session, place) : duplicateOf(other);
  }

  /** It has its place among the active ones from here on. */
  activate(session: ManagedSession): void {
    this.counter.activate(session);
    this.#active.add(session);
  }

  /** Its place is free again. */
  release(session: ManagedSession): void {
    this.counter.release(session);
    this.#active.delete(session);
  }

  /** Whether the peer may still turn a session away that becomes active now, because of another one with us. */
  isUnsure(session: ManagedSession): boolean {
    return isUnsure(this.#contenders(session));
  }

  activeWith(publicKey: Uint8Array): ManagedSession | undefined {
    return this.#active.find(publicKey);
  }

  /** Pending with this peer: dialed, or accepted and proven. */
  pendingWith(publicKey: Uint8Array): readonly ManagedSession[] {
    return [...this.counter.pending()].filter((session) => isWith(session, publicKey));
  }

  /** The other pending sessions with the same peer. */
  rivals(session: ManagedSession): readonly ManagedSession[] {
    if (session.publicKey === undefined) return [];
    return this.pendingWith(session.publicKey).filter((other) => other !== session);
  }

  /** Of those that came in; who waits for us does not stand still. */
  #makesWay(): ManagedSession | undefined {
    const pending = [...this.counter.pending()].flatMap(({ direction, pending }) =>
      direction === 'inbound' && !pending.waitsForUs ? pending : [],
    );
    return makesWay(pending)?.session;
  }

  #samePendingDirection(session: ManagedSession, publicKey: Uint8Array): ManagedSession | undefined {
    return this.pendingWith(publicKey).find(
      (other) => other !== session && other.direction === session.direction,
    );
  }

  #contenders(session: ManagedSession): readonly Contender[] {
    const { publicKey } = session;
    const active = publicKey === undefined ? undefined : this.activeWith(publicKey);
    const others = active === undefined || active === session ? [] : [active];
    return [...this.rivals(session), ...others].map((one) => ({
      direction: one.direction,
      stage: dialStage(one),
    }));
  }

  #withinLimits(session: ManagedSession, place: Place & { readonly verdict: 'accept' }): Place {
    const slot = activeSlot(session.direction);
    if (place.kind === 'trusted' || this.counter.hasRoom(slot)) return place;
    return refuse(DISCONNECT.tooManyPeers, 'ERR_SESSION_LIMIT', this.#full(slot).message);
  }

  #full(slot: SlotKind): ExceedsSessionLimit {
    const name = LIMIT_OF[slot];
    return new ExceedsSessionLimit(name, this.counter.limits[name]);
  }

  #byPolicy(
    { direction, kind }: ManagedSession,
    stage: PeerCandidate['stage'],
    address: TcpAddress | undefined,
    publicKey: Uint8Array | undefined,
  ): Place {
    const verdict = this.#ask({
      stage,
      direction,
      kind,
      address: address ?? UNKNOWN_ADDRESS,
      ...(publicKey === undefined ? {} : { publicKey }),
    });
    if (!verdict.accept) return refuse(verdict.reason, 'ERR_SESSION_REFUSED', verdict.says);
    const template = verdict.template === undefined ? undefined : this.#template(verdict.template);
    if (verdict.template !== undefined && template === undefined)
      return refuse(DISCONNECT.requested, 'ERR_SESSION_REFUSED', 'the policy named a template that is none');
    return { verdict: 'accept', kind: strongest(kind, verdict.kind), template };
  }

  #template(name: string): SessionTemplate | undefined {
    try {
      return this.#options.templates.get(name);
    } catch (error) {
      const fields = { event: 'session.policy', cause: textOf(error) };
      this.#options.logger.error(fields, 'the policy failed, which refuses');
      return undefined;
    }
  }

  #ask(candidate: PeerCandidate): PeerVerdict {
    try {
      return checkedVerdict(this.#options.policy.admit(candidate));
    } catch (error) {
      this.#options.logger.error(
        { event: 'session.policy', cause: textOf(error) },
        'the policy failed, which refuses',
      );
      return { accept: false, reason: DISCONNECT.requested, says: 'the policy failed' };
    }
  }
}

/** What becomes of a socket that came in. */
export type Acceptance =
  | { readonly refusal: string; readonly evicted?: undefined }
  /** `evicted` has to end first: its place is the one that is given. */
  | { readonly refusal?: undefined; readonly evicted: ManagedSession | undefined };

/** The policy may be anybody's: what it says is looked at before a session's life hangs on it. */
function checkedVerdict(verdict: PeerVerdict | undefined): PeerVerdict {
  if (verdict?.accept === true) return verdict;
  if (verdict?.accept === false && isDisconnectReason(verdict.reason)) return verdict;
  throw new TypeError('neither accepts nor refuses with a reason');
}

const UNKNOWN_ADDRESS: TcpAddress = { host: '', port: 0 };

/** What `dial` was told and what the policy knows: the wider promise holds. */
function strongest(a: PeerKind, b: PeerKind): PeerKind {
  if (a === 'trusted' || b === 'trusted') return 'trusted';
  return a === 'static' || b === 'static' ? 'static' : 'dynamic';
}

function isWith(session: ManagedSession, publicKey: Uint8Array): boolean {
  return session.publicKey !== undefined && sameBytes(session.publicKey, publicKey);
}

function dialStage({ state, established, pending }: ManagedSession): DialStage {
  if (established !== undefined) return established.isSure ? 'sure' : 'unsure';
  // before there is a socket the peer knows nothing of it, and nobody can be counting on it
  if (state === 'requested' || state === 'connecting') return 'apart';
  return pending.isWaiting ? 'verified' : 'meeting';
}

function refuse(reason: number, code: string, says: string): Place {
  const ending: Ending = endings.refused(reason, code, says);
  return { verdict: 'refuse', ending };
}

/** For the one that came second, at whichever stage that turns out. */
export function duplicateOf(other: ManagedSession): Place & { readonly verdict: 'refuse' } {
  const says = `session ${other.id} with this peer is ${other.state}: ${disconnectName(DISCONNECT.alreadyConnected)}`;
  return {
    verdict: 'refuse',
    ending: endings.refused(DISCONNECT.alreadyConnected, 'ERR_SESSION_DUPLICATE', says),
  };
}
