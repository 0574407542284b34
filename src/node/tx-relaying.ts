import type { Hasher } from '../eth/index.js';
import {
  announcementPacks,
  BLOB_TYPE,
  type OwnEvent,
  type PooledTransaction,
  planRelay,
  RecentKeys,
  RelayChoice,
  type RelayPart,
  transactionPacks,
} from '../pool/index.js';
import type { Clock, Random, Timer } from '../runtime/index.js';
import {
  type BroadcastMessage,
  type Session,
  SessionError,
  type SessionManager,
  type SessionPermissions,
} from '../session/index.js';

/** What is accepted within so short a time goes out together. */
const GATHER_MS = 20;
/** Between two parts of what a new peer is told; it waits while the peer has not taken the part before. */
const INTRODUCTION_PAUSE_MS = 200;
/** Hashes that a new peer is told of: as many as are remembered of it. */
const MAX_INTRODUCED = 32_768;

const MAX_MUTE = 4_096;

/** A session that may be told of transactions. */
interface Link {
  readonly session: Session;
  readonly permissions: SessionPermissions;
  /** `RelayChoice.peerWord` of its node id. */
  readonly word: number;
  introduction: Timer | undefined;
}

interface Fresh {
  readonly transaction: PooledTransaction;
  /** The session that it came from; undefined: ours. */
  readonly from: string | undefined;
}

export interface TransactionRelayOptions {
  readonly sessions: () => Pick<SessionManager, 'broadcast' | 'validate'>;
  readonly clock: Clock;
  readonly random: Pick<Random, 'bytes'>;
  readonly hasher: Hasher;
  /** What became of a transaction at a peer. */
  readonly told: (hash: Uint8Array, session: Session, event: OwnEvent) => void;
}

/** Tells peers of transactions: some get them whole, the others their hashes, and nobody what it knows. */
export class TransactionRelay {
  readonly #options: TransactionRelayOptions;
  readonly #choice: RelayChoice;
  readonly #links = new Map<string, Link>();
  /** Sessions, some of them over, from which nothing may be passed on: their transactions may come out of the intake later. */
  readonly #mute = new RecentKeys(MAX_MUTE);
  #fresh: Fresh[] = [];
  #timer: Timer | undefined;
  #relayed = 0;

  constructor(options: TransactionRelayOptions) {
    this.#options = options;
    this.#choice = new RelayChoice(options.random, options.hasher);
  }

  /** Transactions that went out to at least one peer. */
  get relayed(): number {
    return this.#relayed;
  }

  /** @param pending what there is to tell: ours, or all; blob transactions in it are left out, as geth does */
  established(session: Session, pending: (which: 'ours' | 'all') => readonly PooledTransaction[]): void {
    const permissions = this.#permissionsOf(session);
    if (permissions === undefined) return;
    if (!permissions.relayFrom) this.#mute.add(session.id);
    const link: Link = {
      session,
      permissions,
      word: this.#choice.peerWord(session.nodeId),
      introduction: undefined,
    };
    this.#links.set(session.id, link);
    if (!permissions.sendTransactions) return;
    const all = pending(permissions.relayTo ? 'all' : 'ours');
    const plain = all.filter(({ type }) => type !== BLOB_TYPE).slice(0, MAX_INTRODUCED);
    if (plain.length > 0) this.#introduce(link, plain);
  }

  ended(id: string): void {
    this.#links.get(id)?.introduction?.cancel();
    this.#links.delete(id);
  }

  /** A transaction that the peers should hear of. @param from the session that it came from; undefined: it is ours */
  tell(transaction: PooledTransaction, from: string | undefined): void {
    if (from !== undefined && this.#mute.has(from)) return;
    this.#fresh.push({ transaction, from });
    this.#timer ??= this.#options.clock.timer(GATHER_MS, () => {
      this.#timer = undefined;
      this.#flush();
    });
  }

  close(): void {
    this.#timer?.cancel();
    for (const { introduction } of this.#links.values()) introduction?.cancel();
    this.#links.clear();
    this.#fresh = [];
  }

  /** @returns undefined for a session that is over, or that speaks no eth */
  #permissionsOf(session: Session): SessionPermissions | undefined {
    if (session.capability('eth') === undefined) return undefined;
    try {
      return this.#options.sessions().validate(session.id).permissions;
    } catch (error) {
      if (error instanceof SessionError) return undefined; // it ended while others heard of its beginning
      throw error;
    }
  }

  #flush(): void {
    const fresh = this.#fresh;
    this.#fresh = [];
    // what came from one session does not go back there, and ours goes to some that get nothing of others
    const bySource = new Map<string | undefined, PooledTransaction[]>();
    for (const { transaction, from } of fresh) {
      const group = bySource.get(from);
      if (group === undefined) bySource.set(from, [transaction]);
      else group.push(transaction);
    }
    const told = new Set<PooledTransaction>();
    for (const [from, transactions] of bySource) {
      for (const transaction of this.#relay(transactions, from)) told.add(transaction);
    }
    this.#relayed += told.size;
  }

  #relay(
    transactions: readonly PooledTransaction[],
    from: string | undefined,
  ): ReadonlySet<PooledTransaction> {
    const peers = [...this.#links.values()]
      .filter(
        ({ session, permissions }) =>
          permissions.sendTransactions &&
          (from === undefined || (permissions.relayTo && session.id !== from)),
      )
      .map((link) => ({
        peer: link,
        word: link.word,
        knows: (hash: Uint8Array) => link.session.eth.known.has(hash),
      }));
    const told = new Set<PooledTransaction>();
    for (const group of alike(planRelay(transactions, peers, this.#choice), transactions)) {
      this.#say(group.ids, transactionPacks(group.whole));
      this.#say(group.ids, announcementPacks(group.announced, group.version));
      for (const { hash } of group.whole) this.#note(group.links, hash, 'sent');
      for (const { hash } of group.announced) this.#note(group.links, hash, 'announced');
      for (const transaction of [...group.whole, ...group.announced]) told.add(transaction);
    }
    return told;
  }

  #say(ids: ReadonlySet<string>, messages: readonly BroadcastMessage[]): void {
    for (const message of messages)
      this.#options.sessions().broadcast(message, { to: ({ id }) => ids.has(id) });
  }

  #note(links: readonly Link[], hash: Uint8Array, event: OwnEvent): void {
    for (const { session } of links) this.#options.told(hash, session, event);
  }

  /** Part by part, the next one when the peer has taken the one before. */
  #introduce(link: Link, pending: readonly PooledTransaction[]): void {
    const packs = announcementPacks(pending, link.session.eth.version);
    let at = 0;
    const goOn = (): void => {
      link.introduction = undefined;
      const waits = (link.session.describe().queues?.broadcasts.items ?? 0) > 0;
      const pack = packs[at];
      if (pack === undefined) return;
      if (!waits) {
        at++;
        this.#say(new Set([link.session.id]), [pack]);
        for (const hash of pack.hashes) this.#options.told(hash, link.session, 'announced');
      }
      if (at < packs.length) link.introduction = this.#options.clock.timer(INTRODUCTION_PAUSE_MS, goOn);
    };
    // the next turn: who hears of the session has not done its own part yet
    link.introduction = this.#options.clock.timer(0, goOn);
  }
}

/** Peers that get the same, in the same form. */
interface Group {
  readonly ids: ReadonlySet<string>;
  readonly links: readonly Link[];
  readonly version: number;
  readonly whole: readonly PooledTransaction[];
  readonly announced: readonly PooledTransaction[];
}

/** One message for all that get the same. Announcements of blob transactions differ from eth/72 on, others do not. */
function alike(
  parts: readonly RelayPart<Link>[],
  transactions: readonly PooledTransaction[],
): readonly Group[] {
  const places = new Map(transactions.map((transaction, i) => [transaction, i]));
  const groups = new Map<string, Group & { readonly ids: Set<string>; readonly links: Link[] }>();
  for (const { peer, whole, announced } of parts) {
    const version = peer.session.eth.version >= 72 ? 72 : 68;
    const place = (transaction: PooledTransaction): number => places.get(transaction) ?? -1;
    const key = `${version} ${whole.map(place).join()} ${announced.map(place).join()}`;
    let group = groups.get(key);
    if (group === undefined) {
      group = { ids: new Set(), links: [], version, whole, announced };
      groups.set(key, group);
    }
    group.ids.add(peer.session.id);
    group.links.push(peer);
  }
  return [...groups.values()];
}
