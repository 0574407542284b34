import { bytesToHex, prefixedHex } from '../../../src/codec/index.js';
import type { Session } from '../../../src/index.js';
import {
  type SeededRandom,
  SimulatedNetwork,
  type SimulatedWorld,
  seededRandom,
  simulatedWorld,
  VirtualClock,
} from '../../../src/testing/index.js';
import { strayBytes } from './bytes.js';
import { ByzantinePeer } from './byzantine.js';
import { crypto, Daemon, enodeOf, keyOf } from './daemon.js';
import {
  type Fault,
  faultText,
  MINUTE,
  type Plan,
  type PlannedFault,
  type PlanOptions,
  planOf,
  SECOND,
} from './plan.js';
import { SourceChain } from './source-chain.js';
import { Trace } from './trace.js';

export interface SimulationOptions extends PlanOptions {
  /** Numbers of the faults that happen; all where left out. */
  readonly only?: ReadonlySet<number> | undefined;
  /** Sees each line of the trace. */
  readonly watch?: (line: string) => void;
}

export interface SimulationResult {
  readonly seed: string;
  /** Of everything that happened, packet by packet. */
  readonly hash: string;
  readonly lines: number;
  /** Sessions that ended, of all honest nodes. */
  readonly sessions: number;
  readonly activations: number;
  /** Journals of sessions, each verified and replayed. */
  readonly journals: number;
  readonly height: number;
  readonly virtualMs: number;
  /** What was not as it must be, with the virtual second at which it was seen; empty: all is well. */
  readonly failures: readonly string[];
}

const CHECK_EVERY_MS = SECOND;
const GROW_EVERY_MS = 15 * SECOND;
const FIRST_BLOCKS = 24;
/** Backoffs and bans have an end: this long after the last fault, honest nodes agree. */
const CALM_MS: number = 35 * MINUTE;
const CALM_STEP_MS = 5 * SECOND;
/** In the calm nothing is on its way for longer. */
const IN_FLIGHT_MS = 5 * SECOND;
const MAX_FAILURES = 20;

/** Runs one network of whole daemons through its faults, and checks all the while what must hold. */
export function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const plan = planOf(options);
  const { only } = options;
  const faults = only === undefined ? plan.faults : plan.faults.filter(({ number }) => only.has(number));
  return new Simulation({ ...plan, faults }, options.watch).run();
}

class Simulation {
  readonly #plan: Plan;
  readonly #trace: Trace;
  readonly #clock = new VirtualClock();
  readonly #network: SimulatedNetwork;
  readonly #random: SeededRandom;
  readonly #chain = new SourceChain();
  readonly #daemons: Daemon[] = [];
  readonly #byzantine: ByzantinePeer[] = [];
  readonly #failures: string[] = [];
  #calm = false;
  #growing: Promise<void> = Promise.resolve();

  constructor(plan: Plan, watch: ((line: string) => void) | undefined) {
    this.#plan = plan;
    this.#trace = new Trace(watch);
    this.#random = seededRandom(`${plan.seed} simulation`);
    const { latencyMs, jitterMs, windowBytes, maxPieceBytes, seed } = plan;
    this.#network = new SimulatedNetwork({
      ...{ clock: this.#clock, seed, windowBytes, maxPieceBytes, link: { latencyMs, jitterMs } },
      observe: (line) => this.#trace.add(line),
    });
  }

  async run(): Promise<SimulationResult> {
    await this.#begin();
    await this.#live();
    await this.#calmDown();
    const height = this.#chain.height;
    await this.#end();
    return {
      seed: this.#plan.seed,
      hash: this.#trace.digest(),
      lines: this.#trace.lines,
      sessions: this.#daemons.reduce((sum, { ended }) => sum + ended, 0),
      activations: this.#daemons.reduce((sum, { activations }) => sum + activations, 0),
      journals: this.#daemons.reduce((sum, { journals }) => sum + journals, 0),
      height,
      virtualMs: this.#clock.now(),
      failures: this.#failures,
    };
  }

  #broken(says: string): void {
    const line = `at ${(this.#clock.now() / SECOND).toFixed(3)} s: ${says}`;
    this.#trace.add(`! ${line}`);
    if (this.#failures.length < MAX_FAILURES) this.#failures.push(line);
  }

  #note(line: string): void {
    this.#trace.add(`${this.#clock.now()} ${line}`);
  }

  #world(host: string): SimulatedWorld {
    return simulatedWorld({ seed: this.#plan.seed, clock: this.#clock, network: this.#network, host });
  }

  #hostOf(number: number): string {
    const { honest } = this.#plan;
    return number < honest.length ? `10.0.0.${number + 1}` : `10.0.1.${number - honest.length + 1}`;
  }

  async #begin(): Promise<void> {
    const { seed, honest, byzantine } = this.#plan;
    const broken = (says: string): void => this.#broken(says);
    this.#chain.grow(FIRST_BLOCKS);
    for (let i = 0; i < byzantine; i++) {
      const [name, host] = [`byzantine ${i}`, this.#hostOf(honest.length + i)];
      const peer = new ByzantinePeer({
        name,
        host,
        seed,
        world: this.#world(host),
        chain: this.#chain,
        broken,
      });
      await this.#clock.settle(peer.listen());
      this.#byzantine.push(peer);
    }
    const keys = honest.map((_, i) => keyOf(seed, `node ${i}`));
    const enodes = keys.map((key, i) => enodeOf(crypto.publicKey(key), this.#hostOf(i)));
    const honestKeys = new Set(keys.map((key) => bytesToHex(crypto.publicKey(key))));
    enodes.push(...this.#byzantine.map(({ enode }) => enode));
    const journalKeeper = seededRandom(`${seed} journal`).below(honest.length);
    for (const [i, planned] of honest.entries()) {
      const host = this.#hostOf(i);
      this.#daemons.push(
        new Daemon({
          ...{ name: `node ${i}`, host, planned, broken, world: this.#world(host) },
          keepsJournals: i === journalKeeper,
          key: keys[i] ?? new Uint8Array(32),
          peers: planned.peers.flatMap((number) => enodes[number] ?? []),
          trusted: planned.trustsSource ? enodes.slice(0, 1) : [],
          isHonest: (publicKey) => honestKeys.has(bytesToHex(publicKey)),
          note: (line) => this.#note(line),
        }),
      );
    }
    for (const daemon of this.#daemons) await this.#start(daemon);
    this.#grow(0);
  }

  async #start(daemon: Daemon): Promise<void> {
    // the source makes the chain and follows nobody
    await this.#clock.settle(daemon.start(daemon !== this.#daemons[0]));
  }

  /** From the first fault to the last: every second all is checked. */
  async #live(): Promise<void> {
    const { forMs, faults } = this.#plan;
    const began = this.#clock.now();
    let next = 0;
    for (let atMs = 0; atMs <= forMs; atMs += CHECK_EVERY_MS) {
      for (let fault = faults[next]; fault !== undefined && fault.atMs <= atMs; fault = faults[++next]) {
        await this.#clock.run(Math.max(this.#clock.now(), began + fault.atMs));
        await this.#happen(fault);
        this.#check();
      }
      await this.#clock.run(Math.max(this.#clock.now(), began + atMs));
      if (atMs % GROW_EVERY_MS === 0) this.#grow(this.#random.below(4));
      this.#check();
    }
  }

  #check(): void {
    for (const daemon of this.#daemons) {
      for (const says of daemon.faults()) this.#broken(`${daemon.name}: ${says}`);
    }
  }

  /** The source's chain becomes longer; what its disk did not take is tried again with the next blocks. */
  #grow(count: number): void {
    this.#chain.grow(count);
    const source = this.#daemons[0];
    if (source === undefined) return;
    this.#growing = this.#growing.then(() =>
      source.adopt(this.#chain).catch((error: unknown) => {
        if (!source.diskTrouble && source.node !== undefined)
          this.#broken(`the source cannot store: ${String(error)}`);
      }),
    );
  }

  /** Something ends a while after it began, unless the calm has ended it already. */
  #after(ms: number, what: () => void): void {
    this.#clock.happening(ms, () => {
      if (!this.#calm) what();
    });
  }

  async #happen(fault: PlannedFault): Promise<void> {
    this.#note(faultText(fault));
    switch (fault.kind) {
      case 'crash':
      case 'restart':
        return this.#goDown(fault);
      case 'act': {
        const victim = this.#daemons[fault.node];
        if (victim !== undefined)
          this.#byzantine[fault.peer]?.act(fault.act, victim, fault.number, fault.fresh, fault.forMs);
        return;
      }
      case 'reorganise':
        this.#chain.reorganise(fault.depth);
        return this.#grow(0);
      case 'ask':
      case 'pause':
      case 'leave':
      case 'dial':
        return this.#use(fault);
      default:
        this.#disturb(fault);
    }
  }

  #disturb(fault: Fault): void {
    const { latencyMs, jitterMs } = this.#plan;
    if (fault.kind === 'disk-full') {
      const daemon = this.#daemons[fault.node];
      if (daemon === undefined) return;
      daemon.diskFull(true);
      this.#after(fault.forMs, () => daemon.diskFull(false));
    } else if (fault.kind === 'freeze') {
      const host = this.#hostOf(fault.node);
      this.#network.freeze(host);
      this.#after(fault.forMs, () => this.#network.thaw(host));
    } else if ('a' in fault) {
      const [a, b] = [this.#hostOf(fault.a), this.#hostOf(fault.b)];
      if (fault.kind === 'reset') this.#network.reset(a, b);
      if (fault.kind === 'cut') {
        this.#network.cut(a, b);
        this.#after(fault.forMs, () => this.#network.mend(a, b));
      }
      if (fault.kind === 'slow') {
        const { bytesPerSecond } = fault;
        this.#network.link(a, b, { latencyMs: fault.latencyMs, jitterMs: fault.latencyMs, bytesPerSecond });
        const usual = { latencyMs, jitterMs, bytesPerSecond: Infinity };
        this.#after(fault.forMs, () => this.#network.link(a, b, usual));
      }
    }
  }

  /** A daemon ends in order, or loses its power; and comes back after a while. */
  async #goDown(fault: Fault & { readonly kind: 'crash' | 'restart' }): Promise<void> {
    const daemon = this.#daemons[fault.node];
    if (daemon?.node === undefined) return;
    if (fault.kind === 'restart') daemon.stop();
    else {
      for (let other = 0; other < this.#plan.honest.length + this.#plan.byzantine; other++)
        this.#network.reset(daemon.host, this.#hostOf(other));
      daemon.crash(fault.keep);
    }
    this.#after(Math.max(fault.forMs, 3 * SECOND), () => void daemon.start(fault.node !== 0));
  }

  /** What the owner of a node does with it. */
  #use(fault: Fault & { readonly kind: 'ask' | 'pause' | 'leave' | 'dial' }): void {
    const daemon = this.#daemons[fault.node];
    const node = daemon?.node;
    if (daemon === undefined || node === undefined) return;
    const sessions = node.sessions.active();
    const one: Session | undefined = sessions[this.#random.below(Math.max(1, sessions.length))];
    if (fault.kind === 'ask') {
      for (const session of sessions) daemon.ask(session, this.#signal(fault.abortAfterMs));
    } else if (fault.kind === 'pause' && one?.state === 'active') {
      one.pause();
      this.#clock.happening(fault.forMs, () => {
        if (one.state === 'paused') one.resume();
      });
    } else if (fault.kind === 'leave') {
      one?.disconnect(fault.reason);
    } else if (fault.kind === 'dial') {
      const { to, abortAfterMs } = fault;
      const target = this.#daemons[to];
      if (target !== undefined && target !== daemon)
        daemon.dial(enodeOf(target.publicKey, target.host), this.#signal(abortAfterMs));
    }
  }

  #signal(afterMs: number | undefined): AbortSignal | undefined {
    if (afterMs === undefined) return undefined;
    const abort = new AbortController();
    this.#clock.happening(afterMs, () => abort.abort());
    return abort.signal;
  }

  /** All faults are mended and the byzantine peers are gone: now honest nodes come to the same chain. */
  async #calmDown(): Promise<void> {
    this.#calm = true;
    this.#note('calm');
    const { honest, latencyMs, jitterMs } = this.#plan;
    for (const peer of this.#byzantine) peer.leave();
    for (let a = 0; a < honest.length; a++) {
      this.#network.thaw(this.#hostOf(a));
      for (let b = 0; b < a; b++) {
        this.#network.mend(this.#hostOf(a), this.#hostOf(b));
        this.#network.link(this.#hostOf(a), this.#hostOf(b), {
          latencyMs,
          jitterMs,
          bytesPerSecond: Infinity,
        });
      }
    }
    for (const daemon of this.#daemons) daemon.diskFull(false);
    await this.#clock.settle(Promise.all(this.#daemons.map((daemon) => daemon.quiet())));
    for (const daemon of this.#daemons) if (daemon.node === undefined) await this.#start(daemon);
    this.#grow(3);
    const endsAtMs = this.#clock.now() + CALM_MS;
    while (this.#clock.now() < endsAtMs) {
      await this.#clock.advance(CALM_STEP_MS);
      this.#check();
      if (this.#agree()) break;
    }
    for (const { name, node } of this.#daemons) {
      const head = node === undefined ? 'is down' : `is at block ${node.status().head}`;
      if (node === undefined || !this.#isAtHead(prefixedHex(node.status().hash)))
        this.#broken(`${name} ${head} and not at the source's block ${this.#chain.height}`);
    }
    const moment = (): Promise<void> => this.#clock.advance(IN_FLIGHT_MS);
    for (const says of await strayBytes(this.#daemons, moment)) this.#broken(says);
  }

  #agree(): boolean {
    return this.#daemons.every(
      ({ node }) => node !== undefined && this.#isAtHead(prefixedHex(node.status().hash)),
    );
  }

  #isAtHead(hash: string): boolean {
    const head = this.#chain.header(this.#chain.height);
    return head !== undefined && prefixedHex(head.hash) === hash;
  }

  /** All is closed: nothing may be left. */
  async #end(): Promise<void> {
    for (const daemon of this.#daemons) {
      const stray = await daemon.node?.store.strayEntry();
      if (stray !== undefined) this.#broken(`${daemon.name}: ${stray}`);
    }
    for (const daemon of this.#daemons) daemon.stop();
    await this.#clock.settle(Promise.all(this.#daemons.map((daemon) => daemon.quiet())));
    await this.#clock.advance(5 * SECOND);
    for (const daemon of this.#daemons) {
      for (const says of daemon.leftovers()) this.#broken(`${daemon.name}: ${says}`);
      for (const says of await daemon.journalFaults()) this.#broken(`${daemon.name}: journal ${says}`);
    }
    const timers = this.#clock.pendingTimers;
    if (timers > 0) this.#broken(`${timers} timers are left`);
    const sockets = this.#network.describeOpenSockets();
    if (sockets.length > 0) this.#broken(`${sockets.length} sockets are left: ${sockets.join(', ')}`);
  }
}
