import type { ChainBackend } from '../chain/index.js';
import type { BlockRange } from '../eth/index.js';
import { isEstablished, type Session, type SessionManager } from '../session/index.js';
import type { Contacts } from './contacts.js';
import type { Emitter } from './emitter.js';
import type { NodeEvents } from './events.js';
import type { LocalDesk } from './local-desk.js';
import type { NodeMetrics } from './metrics.js';
import type { TrafficMeter } from './traffic.js';
import type { TransactionDesk } from './tx-desk.js';
import type { NetworkFeeds } from './tx-feeds.js';

/** Who has something to tell, and who wants to hear it. */
export interface Rooms {
  readonly sessions: SessionManager;
  readonly backend: ChainBackend;
  readonly contacts: Contacts;
  readonly traffic: TrafficMeter;
  readonly desk: LocalDesk;
  /** Undefined where transactions are off. */
  readonly transactions: TransactionDesk | undefined;
  readonly feeds: NetworkFeeds;
  readonly events: Emitter<NodeEvents>;
  /** Somebody else's code: told as a listener is, so that what it throws hurts nobody. */
  readonly metrics: NodeMetrics | undefined;
  /** Aborted when the node ends: who goes because of that is not waited for. */
  readonly ending: AbortSignal;
}

/**
 * The rooms do not know each other: what one says, the others hear through here.
 * @returns a function after which the chain tells nobody any more
 */
export function introduce(rooms: Rooms): () => void {
  const { sessions, backend, contacts, traffic, desk, transactions, feeds, events, metrics, ending } = rooms;
  const sawRange = (session: Session, range: BlockRange | undefined): void => {
    if (range !== undefined) feeds.block(session.id, range.latest, range.latestHash);
  };
  sessions.on('activated', ({ session }) => {
    contacts.established(session);
    transactions?.established(session);
    sawRange(session, session.eth.range);
    events.emit('session.active', { session });
  });
  sessions.on('closed', ({ session, cause }) => {
    traffic.ended(cause);
    desk.ended(session, cause);
    transactions?.ended(session.id);
    const wasActive = isEstablished(cause.stage);
    if (wasActive && !ending.aborted) contacts.lost(session, cause);
    events.emit('session.ended', { session, cause, wasActive });
  });
  sessions.on('range', ({ session, range }) => sawRange(session, range));
  events.on('session.ended', ({ session, cause }) => metrics?.sessionEnded?.(cause, session.describe()));
  return backend.subscribe((range) => {
    transactions?.headMoved(range);
    sessions.announceRange();
    events.emit('chain.head', { range });
  });
}
