import { prefixedHex } from '../../../src/codec/index.js';
import {
  type CloseCause,
  chooseCrypto,
  createNode,
  formatEnode,
  type Logger,
  type RlpxdNode,
  type Session,
  SessionError,
} from '../../../src/index.js';
import { type SimulatedWorld, seededRandom } from '../../../src/testing/index.js';
import { journalFaults, journalNames } from '../node-journals.js';
import type { PlannedNode } from './plan.js';
import { chainSpec, type SourceChain } from './source-chain.js';

export const PORT = 30_303;
export const crypto = chooseCrypto();

/** @returns a key that follows from seed and name */
export function keyOf(seed: string, name: string): Uint8Array {
  const random = seededRandom(`${seed} key ${name}`);
  for (;;) {
    const key = random.bytes(32);
    if (crypto.isSecretKey(key)) return key;
  }
}

export function enodeOf(publicKey: Uint8Array, host: string): string {
  return formatEnode({ publicKey, host, port: PORT, discoveryPort: PORT });
}

/** What the world of a simulation gives a daemon. */
export interface Surroundings {
  readonly note: (line: string) => void;
  /** Something is not as it must be. */
  readonly broken: (says: string) => void;
}

export interface DaemonOptions extends Surroundings {
  readonly name: string;
  readonly world: SimulatedWorld;
  readonly host: string;
  readonly key: Uint8Array;
  readonly planned: PlannedNode;
  /** Whether it writes down what its sessions say. */
  readonly keepsJournals: boolean;
  readonly peers: readonly string[];
  readonly trusted: readonly string[];
  /** Whether this key is of a node that keeps to the rules. */
  readonly isHonest: (publicKey: Uint8Array) => boolean;
}

/** How a session stands in the books of the simulation. */
interface Entry {
  active: boolean;
  cause: CloseCause | undefined;
}

const REFUSALS: ReadonlySet<string> = new Set(['ERR_SESSION_ALREADY_CONNECTED', 'ERR_SESSION_LIMIT']);
/** What failed while the disk was full may be told a moment later. */
const DISK_RECOVERY_MS = 1_000;
const DATADIR = '/data';
const STORE = `${DATADIR}/chain`;
const JOURNALS = '/journals';

/** One honest node through all its lives: what it is, what its sessions were, and what it was heard to say. */
export class Daemon {
  readonly name: string;
  readonly host: string;
  readonly publicKey: Uint8Array;
  readonly world: SimulatedWorld;
  readonly #options: DaemonOptions;
  readonly #books = new Map<string, Entry>();
  /** Paths of journals that a full disk has cut. */
  readonly #cutJournals = new Set<string>();
  #mendFiles: (() => void) | undefined;
  #node: RlpxdNode | undefined;
  #starting: Promise<unknown> | undefined;
  #closings: Promise<unknown>[] = [];
  #lives = 0;
  /** The disk fails, or failed a moment ago: a pull may say so. */
  diskTrouble = false;
  #full = false;
  asked = 0;
  settled = 0;
  activations = 0;
  /** Files that were checked at the end. */
  journals = 0;

  constructor(options: DaemonOptions) {
    this.#options = options;
    this.name = options.name;
    this.host = options.host;
    this.world = options.world;
    this.publicKey = crypto.publicKey(options.key);
  }

  /** Undefined while it is down. */
  get node(): RlpxdNode | undefined {
    return this.#node;
  }

  get ended(): number {
    return [...this.#books.values()].filter(({ cause }) => cause !== undefined).length;
  }

  start(pull: boolean): Promise<void> {
    const { planned, keepsJournals, key, world, host, peers, trusted, note, broken } = this.#options;
    const life = ++this.#lives;
    this.diskTrouble = this.#full;
    const started = createNode({
      world,
      crypto,
      chain: chainSpec,
      key,
      datadir: DATADIR,
      listen: { host, port: PORT },
      peers,
      trusted,
      maxPendingPeers: planned.maxPendingPeers,
      ...(planned.ethVersions === undefined ? {} : { ethVersions: planned.ethVersions }),
      ...(keepsJournals ? { journal: { dir: JOURNALS, ambient: true } } : {}),
      pull,
      logger: this.#logger(),
    }).then(
      (node) => {
        this.#node = node;
        this.#listen(node, life);
        note(`${this.name} is up, head ${node.status().head}`);
      },
      (error: unknown) => broken(`${this.name} does not start: ${String(error)}`),
    );
    this.#starting = started;
    return started;
  }

  /** The power fails: what was not synced is lost, and nobody hears a goodbye. The network must reset its connections. */
  crash(keep: number): void {
    this.world.stores.crash(STORE, { keep });
    this.diskTrouble = true;
    this.#leave(1);
  }

  stop(): void {
    this.#leave(undefined);
  }

  #leave(timeoutMs: number | undefined): void {
    const node = this.#node;
    if (node === undefined) return;
    this.#node = undefined;
    this.#closings.push(node.close(timeoutMs === undefined ? {} : { timeoutMs }));
  }

  /** Resolves when all that was begun to start or stop has come to its end. */
  async quiet(): Promise<void> {
    await this.#starting;
    await Promise.all(this.#closings);
    this.#closings = [];
  }

  /** A request of the user's, which must settle. */
  ask(session: Session, signal: AbortSignal | undefined): void {
    const query = { origin: 0n, amount: 3, skip: 0n, reverse: false };
    this.asked++;
    const settle = (): void => {
      this.settled++;
    };
    const asked = session.eth.getBlockHeaders(query, signal === undefined ? {} : { signal });
    asked.then(settle, settle);
  }

  /** A dial of the user's; it may be refused at once. */
  dial(enode: string, signal: AbortSignal | undefined): void {
    try {
      this.#node?.dial(enode, signal === undefined ? {} : { signal });
    } catch (error) {
      const code = error instanceof SessionError ? error.code : String(error);
      if (!REFUSALS.has(code)) this.#options.broken(`${this.name}: a dial threw ${code}`);
    }
  }

  /** Its disk takes no more, or takes again. */
  diskFull(full: boolean): void {
    this.#full = full;
    this.world.stores.failWrites(full ? 'ENOSPC' : undefined);
    this.#mendFiles?.();
    // its key and the history of its sessions are written by other ways: what grows is what fills a disk
    this.#mendFiles = full ? this.world.files.fail('ENOSPC', { operation: 'write' }) : undefined;
    if (full) this.diskTrouble = true;
    else
      this.world.clock.happening(DISK_RECOVERY_MS, () => {
        this.diskTrouble = this.#full;
      });
  }

  /** The books and the manager's own figures must agree at any moment. @returns what does not */
  faults(): string[] {
    const node = this.#node;
    if (node === undefined) return [];
    const { sessions, config } = node;
    const says: string[] = [];
    const listed = sessions.list();
    const counts = sessions.count();
    const slots = Object.values(counts).reduce((sum, count) => sum + count, 0);
    if (slots !== listed.length) says.push(`${slots} slots are taken by ${listed.length} sessions`);
    const keys = new Set<string>();
    let trusted = 0;
    for (const { publicKey, kind } of sessions.active()) {
      const key = prefixedHex(publicKey);
      if (keys.has(key)) says.push(`two active sessions with ${key}`);
      keys.add(key);
      if (kind === 'trusted') trusted++;
    }
    const { limits } = config;
    if (counts.activeInbound > limits.maxActiveInbound + trusted) says.push('too many active inbound');
    if (counts.activeOutbound > limits.maxActiveOutbound + trusted) says.push('too many active outbound');
    if (counts.pendingInbound > limits.maxPendingInbound) says.push('too many pending inbound');
    if (counts.pendingOutbound > limits.maxPendingOutbound + this.#options.trusted.length)
      says.push('too many pending outbound');
    const living = [...this.#books].filter(([id, { cause }]) => cause === undefined && this.#isNow(id));
    if (living.length !== listed.length) {
      says.push(`${living.length} sessions were begun and not ended, ${listed.length} are listed`);
    }
    return says;
  }

  /** What must hold once the daemon is closed for good. */
  leftovers(): string[] {
    const says: string[] = [];
    for (const [id, { cause }] of this.#books)
      if (cause === undefined) says.push(`session ${id} never ended`);
    if (this.asked !== this.settled) says.push(`${this.asked} requests, ${this.settled} of them settled`);
    if (this.world.tcp.listenerAt({ host: this.host, port: PORT }) !== undefined)
      says.push('it still listens');
    return says;
  }

  /** What must hold of the journals that it has left. */
  async journalFaults(): Promise<readonly string[]> {
    if (!this.#options.keepsJournals) return [];
    const isCut = (name: string): boolean => this.#cutJournals.has(`${JOURNALS}/${name}`);
    this.journals = (await journalNames(this.world.files, JOURNALS)).length;
    return journalFaults(this.world.files, JOURNALS, (name) => !isCut(name));
  }

  #isNow(id: string): boolean {
    return id.startsWith(`${this.#lives}.`);
  }

  #listen(node: RlpxdNode, life: number): void {
    const { note, broken, isHonest } = this.#options;
    const nameOf = (id: string): string => `${life}.${id}`;
    const must = (holds: boolean, says: string): void => {
      if (!holds) broken(`${this.name}: ${says}`);
    };
    // sessions that begin while the node starts are heard of here, too: it has not let the loop go since
    for (const { id } of node.sessions.list())
      this.#books.set(nameOf(id), { active: false, cause: undefined });
    node.sessions.on('created', ({ session }) => {
      must(!this.#books.has(nameOf(session.id)), `session ${session.id} began twice`);
      this.#books.set(nameOf(session.id), { active: false, cause: undefined });
      note(`${this.name} created ${session.id}`);
    });
    node.sessions.on('activated', ({ session }) => {
      const entry = this.#books.get(nameOf(session.id));
      must(
        entry !== undefined && !entry.active && entry.cause === undefined,
        `${session.id} activated oddly`,
      );
      if (entry !== undefined) entry.active = true;
      this.activations++;
      note(`${this.name} active ${session.id} ${prefixedHex(session.sharedId)}`);
    });
    node.sessions.on('range', ({ session, range }) => {
      must(this.#books.get(nameOf(session.id))?.active === true, `${session.id} says a range before Status`);
      note(`${this.name} range ${session.id} ${range.latest}`);
    });
    node.sessions.on('closed', ({ session, cause }) => {
      const entry = this.#books.get(nameOf(session.id));
      must(entry !== undefined, `session ${session.id} ended and never began`);
      must(entry?.cause === undefined, `session ${session.id} ended twice`);
      if (entry !== undefined) entry.cause = cause;
      const { outcome, by, stage, reason = '-', code = '-' } = cause;
      must(code !== 'ERR_SESSION_INTERNAL', `session ${session.id}: ${cause.says}`);
      const { publicKey } = session;
      const blamed = by === 'local' && isBreach(code) && publicKey !== undefined && isHonest(publicKey);
      must(!blamed, `session ${session.id} blames an honest node: ${cause.says}`);
      note(`${this.name} closed ${session.id} ${outcome} ${by} ${stage} ${reason} ${code}`);
    });
    node.on('journal.failed', ({ session }) => {
      must(this.diskTrouble, `the journal of ${session.id} fails`);
      this.#cutJournals.add(node.journal?.pathOf(session.id) ?? '');
    });
    node.on('peer.misbehaved', ({ session, says }) => {
      must(!isHonest(session.publicKey), `an honest node is said to lie: ${says}`);
      note(`${this.name} is lied to by ${session.id}: ${says}`);
    });
    node.on('chain.head', ({ range }) => note(`${this.name} head ${range.latest}`));
  }

  /** What goes wrong within a node is told on its log; only a failing disk is nobody's mistake. */
  #logger(): Logger {
    const { note, broken } = this.#options;
    const nothing = (): void => undefined;
    return {
      debug: nothing,
      info: nothing,
      warn: nothing,
      error: (fields, message) => {
        note(`${this.name} says ${message}`);
        const event = 'event' in fields ? fields.event : undefined;
        const isOfDisk = event === 'pull.failed' || event === 'session.journal';
        if (!isOfDisk || !this.diskTrouble) broken(`${this.name} says: ${message}`);
      },
    };
  }

  /** Brings the store of the source to the chain that it is to have. */
  async adopt(chain: SourceChain): Promise<void> {
    const store = this.#node?.store;
    if (store === undefined) return;
    let number = Math.min(chain.height, Number(store.head.header.number));
    for (; number > 0; number--) {
      const [ours, theirs] = [await store.hashOf(BigInt(number)), chain.header(number)?.hash];
      if (ours !== undefined && theirs !== undefined && prefixedHex(ours) === prefixedHex(theirs)) break;
    }
    const blocks = chain.from(number + 1);
    if (blocks.length > 0) await store.append(blocks, { rollbackTo: BigInt(number) });
  }
}

/** What no honest peer does, however bad network and disk are. An answer may well stay away. */
function isBreach(code: string): boolean {
  if (code === 'ERR_SESSION_ANSWER_MISSING') return false;
  return /^ERR_(ETH|CODEC|RLPX)_|^ERR_SESSION_(ANSWER|MESSAGE|RANGE|RECEIPTS|STATUS_TWICE|QUOTA|IDENTITY)/.test(
    code,
  );
}
