import type { BlockRange } from '../eth/index.js';
import type { Capability, DisconnectReason } from '../rlpx/index.js';
import type { TcpAddress } from '../runtime/tcp.js';
import type { SessionUsage } from './allowance.js';
import type { CloseCause, TrafficCounters } from './close-cause.js';
import type { ConversationStep } from './conversation.js';
import type { Direction } from './counter.js';
import type { CloseOptions, DrainReport } from './draining.js';
import type { EthSession } from './eth-session.js';
import type { JournalRecord } from './journal.js';
import type { PeerKind } from './policy.js';
import type { CapabilityChannel } from './satellite.js';
import type { SessionState } from './state.js';
import type { SessionTemplate } from './templates.js';

/** A session from the moment it is asked for: listed, announced, and endable before anything has come of it. */
export interface SessionHandle {
  /** Local, unique within its manager. */
  readonly id: string;
  readonly direction: Direction;
  /** As far as it is known: the policy may know more once the key is proven. */
  readonly kind: PeerKind;
  /** What it may do, how much, and what is written down of it; as far as the kind is known. */
  readonly template: SessionTemplate;
  readonly state: SessionState;
  /** 64 bytes: whom we dialed, or who has proven it with ECIES; undefined before. */
  readonly publicKey: Uint8Array | undefined;
  /** Rejects with PendingSessionHandshakeError where the session ends first. Never an unhandled rejection. */
  readonly active: Promise<Session>;
  /** Resolves once, with the record of the end. */
  readonly ended: Promise<CloseCause>;
  /**
   * Ends it with a Disconnect (default 0, requested), or withdraws it where it is not active yet. Idempotent.
   * @param says one plain sentence for the record of the end
   * @throws SessionError ERR_SESSION_ARGUMENT for a reason that is no byte
   */
  disconnect(reason?: DisconnectReason, says?: string): void;
  /**
   * Closes it in good order: nothing new begins, what has begun is finished and what waits is sent, then it ends with a
   * Disconnect. Where it is not active yet, or with `drain: false`, it ends at once. Called again, it tells of the same end.
   */
  close(options?: CloseOptions): Promise<DrainReport>;
  describe(): SessionRecord;
}

/** How long each step took, in milliseconds. Inbound sessions know no `connect`. */
export interface StageTimes {
  readonly connect?: number;
  readonly auth: number;
  readonly hello: number;
  readonly status: number;
}

/** Who is at the other end, as far as it said so itself; only the key is proven. */
export interface RemotePeer {
  readonly client: string;
  readonly capabilities: readonly Capability[];
  readonly address: TcpAddress;
  /** As its Hello says; geth says 0. */
  readonly listenPort: number;
  /** Of the base protocol, as its Hello says; 5 since snappy. */
  readonly p2pVersion: number;
}

/** An active session. */
export interface Session extends SessionHandle {
  /** 64 bytes, proven by ECIES. */
  readonly publicKey: Uint8Array;
  /** keccak256 of `publicKey`, 32 bytes: what geth prints as `id`. */
  readonly nodeId: Uint8Array;
  /** 16 bytes that both ends derive alike. */
  readonly sharedId: Uint8Array;
  readonly remote: RemotePeer;
  readonly stagesMs: StageTimes;
  readonly eth: EthSession;
  /**
   * A protocol that both ends speak, by its name, `eth` among them: raw messages, by id and bytes.
   * @returns undefined where it is not spoken here
   */
  capability(name: string): CapabilityChannel | undefined;
  /** Aborted when the session ends. */
  readonly signal: AbortSignal;
  /** @returns the round trip in milliseconds. @throws SessionError ERR_SESSION_NOT_ACTIVE, ERR_SESSION_TIMEOUT, ERR_SESSION_ABORTED */
  ping(options?: { readonly signal?: AbortSignal }): Promise<number>;
  /** Stops handing over what comes in; the peer feels TCP backpressure once 1 MiB waits. Pings go on. */
  pause(): void;
  resume(): void;
}

/** What is known of a session, as plain data. Bytes are hex without prefix. */
export interface SessionRecord {
  readonly id: string;
  readonly direction: Direction;
  readonly role: 'initiator' | 'recipient';
  readonly state: SessionState;
  readonly kind: PeerKind;
  /** Name of the template that says what it may do. */
  readonly template: string;
  readonly createdAtMs: number;
  readonly activeAtMs?: number;
  /** When the last whole frame of the peer came, a Pong included: milliseconds since 1970. */
  readonly lastSeenAtMs?: number;
  readonly publicKey?: string;
  readonly nodeId?: string;
  readonly sharedId?: string;
  readonly address?: TcpAddress;
  readonly client?: string;
  readonly capabilities?: readonly string[];
  readonly ethVersion?: number;
  readonly stagesMs: Partial<StageTimes>;
  readonly range?: BlockRange;
  readonly rttMs?: number;
  readonly counters: TrafficCounters;
  /** What waits, in each direction. */
  readonly queues?: QueueGauges;
  /** What it has used, and what it was denied. */
  readonly usage?: SessionUsage;
  /** What each end may say next; both began with `hello`. */
  readonly conversation: { readonly ours: ConversationStep; readonly theirs: ConversationStep };
  /** How far its journal is, where it has one: entries, those left out, and the last link of each chain. */
  readonly journal?: JournalRecord;
  /** How many sessions of this manager had ended when it began. */
  readonly epoch: number;
  readonly cause?: CloseCause;
}

export interface QueueGauges {
  readonly responses: Gauge;
  readonly requests: Gauge;
  /** Our block range, of which only the latest waits. */
  readonly range: Gauge;
  readonly broadcasts: Gauge;
  readonly broadcastsDropped: number;
  /** Of protocols beside eth, all together. */
  readonly satellites: Gauge;
  /** What came of them beyond their budgets, and waits to be handed over. */
  readonly satellitesHeld: Gauge;
  /** Transactions that the peer is known to have. */
  readonly known: number;
  /** Our requests without an answer, those given up included. */
  readonly requestsOpen: number;
  /** Callers that wait until they may ask (`backpressure: 'await'`). */
  readonly callers: number;
  /** The peer's requests being answered, and those that wait for it. */
  readonly serving: number;
  readonly parked: Gauge;
}

export interface Gauge {
  readonly items: number;
  readonly bytes: number;
}
