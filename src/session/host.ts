import type { RlpxCrypto } from '../crypto/index.js';
import type {
  BlockRange,
  EthError,
  EthMessage,
  EthRequest,
  EthResponse,
  EthVersion,
  Status,
} from '../eth/index.js';
import type { AuthReplays, EphemeralKeys, HandshakeTurns, LocalCapability } from '../rlpx/index.js';
import type { Logger, World } from '../runtime/index.js';
import type { ActiveSession } from './active.js';
import type { AnswerMemory } from './answer-memory.js';
import type { CloseCause, Ending } from './close-cause.js';
import type { Deadlines } from './deadlines.js';
import type { Session } from './handle.js';
import type { JournalDesk } from './journal-keeper.js';
import type { KnownKeys } from './known-set.js';
import type { ManagedSession } from './managed-session.js';
import type { PeerKind } from './policy.js';
import type { QuotaExcess } from './quota.js';
import type { SatelliteRegistry } from './satellite.js';
import type { SatelliteClosed } from './satellites.js';
import type { SessionTemplate, SessionTemplates } from './templates.js';
import type { Turns } from './turn-budget.js';

/** What our Status says, and what we think of the other's. */
export interface StatusProvider {
  /** Asked anew for each session. */
  status(version: EthVersion): Status;
  /**
   * @param version the one that was agreed; a Status that says another is refused by the session if not here
   * @returns why the peer does not fit, with the reason to tell it.
   */
  check(remote: Status, version: EthVersion): EthError | undefined;
  /** Wait for the remote's Status first and say the same back: for those who have no chain of their own. */
  readonly mirror?: boolean;
}

/**
 * Answers one request of a peer. Undefined, or a rejection, is answered with nothing in it.
 * The request id of the answer is set by the session. `signal` is aborted when the session ends.
 */
export type RequestHandler = (
  request: EthRequest,
  session: Session,
  options: { readonly signal: AbortSignal },
) => Promise<EthResponse | undefined>;

/** Takes what comes unasked. It is decoded only where there is a handler. */
export type GossipHandler = (message: EthMessage, session: Session) => void;

/** What may be done with a session that asks for its place. */
export type Place =
  | { readonly verdict: 'accept'; readonly kind: PeerKind; readonly template?: SessionTemplate | undefined }
  | { readonly verdict: 'refuse'; readonly ending: Ending }
  /** Another connection with the same peer goes first; the manager comes back once that is settled. */
  | { readonly verdict: 'wait' };

/** What the sessions of one manager share, and what they ask of it. */
export interface SessionHost {
  readonly world: Pick<World, 'clock' | 'random' | 'tcp' | 'dns'>;
  readonly crypto: RlpxCrypto;
  readonly secretKey: Uint8Array;
  /** The auth messages that this node key has worked on: one memory for all its connections. */
  readonly replays: AuthReplays;
  /** Work on the curve, of all its connections in turn. */
  readonly handshakes: HandshakeTurns;
  readonly ephemeralKeys: EphemeralKeys;
  readonly clientId: string;
  /** Those that a new session offers. */
  readonly capabilities: readonly LocalCapability[];
  readonly satellites: SatelliteRegistry;
  /** Whether a peer that shares no version of eth is turned away. */
  readonly requireEth: boolean;
  knownKeys(): KnownKeys;
  readonly turns: Turns;
  /** What answers are written into, of all its sessions. */
  readonly answerMemory: AnswerMemory;
  readonly deadlines: Deadlines;
  readonly status: StatusProvider;
  readonly serve: RequestHandler | undefined;
  readonly gossip: GossipHandler | undefined;
  readonly templates: SessionTemplates;
  readonly journals: JournalDesk | undefined;
  readonly logger: Logger;
  /** The port that we listen on; 0 for none. */
  listenPort(): number;
  /** ECIES has proven the key. */
  placeAuthenticated(session: ManagedSession, publicKey: Uint8Array): Place;
  /** Status agrees. */
  placeActive(session: ManagedSession): Place;
  activated(session: ManagedSession, active: ActiveSession): void;
  rangeChanged(session: ActiveSession, range: BlockRange): void;
  /** What is done about a quota that was exceeded has changed. */
  quotaExceeded(session: ActiveSession, verdict: QuotaExcess): void;
  /** A protocol beside eth is closed on this session, which goes on. */
  satelliteClosed(session: ActiveSession, what: SatelliteClosed): void;
  /** Whether one more socket may live on to deliver a Disconnect. */
  mayLinger(session: ManagedSession): boolean;
  /** How many sessions have ended. */
  epoch(): number;
  nextEpoch(): number;
  ended(session: ManagedSession, cause: CloseCause): void;
  /** The socket of an ended session is really gone. */
  released(session: ManagedSession): void;
}
