import type { ChainRange } from '../chain/index.js';
import type { DialWait } from '../peers/index.js';
import type { PooledTransaction } from '../pool/index.js';
import type { CloseCause, Session, SessionHandle } from '../session/index.js';
import type { PullOutcome, PullProgress } from './pulling.js';

/** What a node tells those who listen (`node.on`). */
export interface NodeEvents {
  /** Both Statuses agree; the session can be used. */
  readonly 'session.active': { readonly session: Session };
  /** Every end of every session, once; also of those that never became active. */
  readonly 'session.ended': {
    readonly session: SessionHandle;
    readonly cause: CloseCause;
    readonly wasActive: boolean;
  };
  /** A static or trusted peer has no session; the next dial comes after `waitMs`. */
  readonly 'peer.waiting': { readonly publicKey: Uint8Array; readonly wait: DialWait };
  /** A peer gave false data and was disconnected. */
  readonly 'peer.misbehaved': { readonly session: Session; readonly says: string };
  /** The journal of this session cannot be written any more and lacks its end; the session goes on. */
  readonly 'journal.failed': { readonly session: SessionHandle; readonly cause: unknown };
  /** A transaction is new, was found good and is in the pool now. */
  readonly transaction: { readonly transaction: PooledTransaction };
  /** Our own chain has another head or beginning. */
  readonly 'chain.head': { readonly range: ChainRange };
  readonly 'pull.progress': PullProgress;
  /** The target is reached; a node that follows its peers tells it each time that it has caught up. */
  readonly 'pull.done': PullOutcome;
}
