import type { DisconnectReason } from '../rlpx/index.js';
import type { TcpAddress } from '../runtime/tcp.js';
import type { CloseCause } from './close-cause.js';
import type { Direction } from './counter.js';
import type { Session, SessionHandle } from './handle.js';

/** dynamic: found somewhere; static: wanted by the user; trusted: wanted beyond every limit. */
export type PeerKind = 'dynamic' | 'static' | 'trusted';

/** Someone who would like a session with us, or we with them. */
export interface PeerCandidate {
  /**
   * accept: a socket came in (no key yet), or one is about to be opened (the address is known, the key claimed);
   * authenticated: ECIES has proven the key; activate: Status agrees, the session would begin.
   */
  readonly stage: 'accept' | 'authenticated' | 'activate';
  readonly direction: Direction;
  readonly address: TcpAddress;
  readonly publicKey?: Uint8Array;
  /** What `dial` was told. */
  readonly kind?: PeerKind;
}

export type PeerVerdict =
  | {
      readonly accept: true;
      readonly kind: PeerKind;
      /** Of the manager's templates; by default what `dial` named, else that of the kind. */
      readonly template?: string;
    }
  | { readonly accept: false; readonly reason: DisconnectReason; readonly says: string };

/** Whom to keep. Calls are synchronous and cheap; an exception counts as a refusal. */
export interface PeerPolicy {
  admit(candidate: PeerCandidate): PeerVerdict;
  established?(session: Session): void;
  /** After the session is gone; also for those that never became active. */
  ended?(session: SessionHandle, cause: CloseCause): void;
}

/** Takes everyone, each as what `dial` said. */
export const openPolicy: PeerPolicy = {
  admit: ({ kind = 'dynamic' }: PeerCandidate): PeerVerdict => ({ accept: true, kind }),
};
