import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CryptoChoice, realWorld } from '../../src/index.js';
import { packageFile } from '../../src/node/index.js';
import { Daemon, runCommand } from './daemon.js';
import type { DevnetSummary, Screen } from './screen.js';
import { type LogLine, type NodeView, newView, readLine } from './view.js';

export interface DevnetOptions {
  readonly nodes: number;
  /** End once all are equal, instead of staying until `signal`. */
  readonly once: boolean;
  /** What all nodes work with. */
  readonly crypto: CryptoChoice;
  readonly signal: AbortSignal;
  readonly screen: Screen;
}

/** From the first process to the last block; a two-core machine needs some seconds. */
const GOAL_WITHIN_MS = 120_000;
const LOOPBACK = '127.0.0.0/8';
const STATUS_EVERY = '250ms';

interface Member {
  readonly datadir: string;
  view: NodeView;
  daemon: Daemon | undefined;
}

/**
 * A network of real daemons on loopback, each a process of its own: the first has a chain, the others copy it from it
 * and from each other. Nothing of it is left afterwards, neither processes nor files.
 */
export class Devnet {
  readonly #options: DevnetOptions;
  readonly #world = realWorld();
  readonly #folder: string;
  readonly #members: readonly Member[];
  /** Every process that was started. */
  readonly #children = new Set<Daemon>();
  readonly #changed = new Set<() => void>();
  #goal: number | undefined;
  #failure: Error | undefined;
  #stopping = false;

  constructor(options: DevnetOptions) {
    this.#options = options;
    const name = Buffer.from(this.#world.random.bytes(6)).toString('hex');
    this.#folder = join(tmpdir(), `rlpxd-devnet-${name}`);
    this.#members = Array.from({ length: options.nodes }, (_, i) => ({
      datadir: join(this.#folder, `node-${i + 1}`),
      view: newView(`node-${i + 1}`),
      daemon: undefined,
    }));
  }

  /** @throws Error saying which node failed and how; also where it was interrupted before all were equal */
  async run(): Promise<DevnetSummary> {
    const { clock, files } = this.#world;
    const began = clock.now();
    await files.makeDirectory(this.#folder, 0o700);
    this.#options.screen.note(`${this.#members.length} daemons on loopback, in ${this.#folder}`);
    try {
      const importMs = await this.#startAll();
      const pulling = clock.now();
      await this.#until((views) => views.every(({ state }) => state === 'whole'));
      const pullMs = clock.now() - pulling;
      this.#options.screen.note(
        `all ${this.#members.length} nodes have the whole chain, block ${this.#goal}`,
      );
      if (!this.#options.once) await this.#untilInterrupted();
      await this.#stopAll();
      const checking = clock.now();
      const heads = await this.#checkStores();
      const times = { importMs, pullMs, checkMs: clock.now() - checking, totalMs: clock.now() - began };
      return { nodes: this.#members.length, ...sameHead(heads), times };
    } finally {
      // all of them: one that goes on with an import would write into a folder that is gone
      for (const child of this.#children) child.kill();
      await Promise.allSettled([...this.#children].map(({ ended }) => ended));
      await files.remove(this.#folder);
    }
  }

  /** The empty nodes come up while the chain is imported; the node that has it joins them. @returns what the import took */
  async #startAll(): Promise<number> {
    const { clock } = this.#world;
    const [source, ...empty] = this.#members;
    if (source === undefined) return 0;
    this.#set(source, { ...source.view, state: 'importing' });
    const began = clock.now();
    let importMs = 0;
    const imported = this.#import(source).then(() => {
      importMs = clock.now() - began;
    });
    imported.catch((error: unknown) => this.#fail(error));
    const enodes: string[] = [];
    for (const member of empty) enodes.push(await this.#start(member, ['--pull'], enodes));
    await imported;
    await this.#start(source, [], enodes);
    return importMs;
  }

  async #import({ datadir }: Member): Promise<void> {
    await this.#command([
      'import',
      demoFile('chain.rlp'),
      ...['--receipts', demoFile('receipts.rlp')],
      ...['--genesis', demoFile('genesis.json'), '--datadir', datadir, '--json'],
      ...this.#crypto,
    ]);
  }

  async #start(member: Member, more: readonly string[], peers: readonly string[]): Promise<string> {
    const place = [
      '--datadir',
      member.datadir,
      '--genesis',
      demoFile('genesis.json'),
      '--addr',
      '127.0.0.1',
      '--port',
      '0',
    ];
    const manner = [...this.#crypto, '--netrestrict', LOOPBACK, '--log', 'json', '--status', STATUS_EVERY];
    const known = peers.length === 0 ? [] : ['--peer', ...peers];
    const daemon = new Daemon(['run', ...place, ...manner, ...more, ...known], (line) =>
      this.#read(member, line),
    );
    member.daemon = daemon;
    this.#children.add(daemon);
    daemon.ended.then(
      ({ says }) => {
        if (!this.#stopping) this.#fail(new Error(`${member.view.name} ended before its time (${says})`));
      },
      (error: unknown) => this.#fail(error),
    );
    return this.#until(() => member.view.enode);
  }

  #command(args: readonly string[]): Promise<string> {
    return runCommand(args, (daemon) => this.#children.add(daemon));
  }

  get #crypto(): readonly string[] {
    return ['--crypto', this.#options.crypto];
  }

  #read(member: Member, line: LogLine): void {
    // the first node has the whole chain: where it stands, the others are to arrive
    if (member === this.#members[0] && line.event === 'listening') this.#goal = Number(line.head);
    this.#set(member, readLine(member.view, line, this.#goal));
  }

  #set(member: Member, view: NodeView): void {
    member.view = view;
    this.#options.screen.show(this.#members.map((other) => other.view));
    this.#tell();
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    this.#tell();
  }

  #tell(): void {
    for (const look of [...this.#changed]) look();
  }

  /** @returns what `look` finds, once it finds something */
  async #until<T>(look: (views: readonly NodeView[]) => T | undefined | false): Promise<T> {
    const { signal } = this.#options;
    return new Promise<T>((resolve, reject) => {
      const end = (how: () => void): void => {
        this.#changed.delete(again);
        signal.removeEventListener('abort', again);
        timer.cancel();
        how();
      };
      const again = (): void => {
        const found = look(this.#members.map(({ view }) => view));
        if (this.#failure !== undefined) end(() => reject(this.#failure));
        else if (signal.aborted) end(() => reject(new Error('interrupted before all nodes were equal')));
        else if (found !== undefined && found !== false) end(() => resolve(found));
      };
      const timer = this.#world.clock.timer(GOAL_WITHIN_MS, () => {
        end(() => reject(new Error(`the nodes are not equal after ${GOAL_WITHIN_MS / 1_000} s`)));
      });
      this.#changed.add(again);
      signal.addEventListener('abort', again);
      again();
    });
  }

  async #untilInterrupted(): Promise<void> {
    const { signal, screen } = this.#options;
    screen.note('they go on; Ctrl-C ends them');
    await new Promise<void>((resolve, reject) => {
      const again = (): void => {
        if (!signal.aborted && this.#failure === undefined) return;
        this.#changed.delete(again);
        if (signal.aborted) resolve();
        else reject(this.#failure);
      };
      this.#changed.add(again);
      signal.addEventListener('abort', again, { once: true });
      again();
    });
  }

  async #stopAll(): Promise<void> {
    this.#stopping = true;
    const ends = await Promise.all(this.#members.map(({ daemon }) => daemon?.stop(this.#world.clock)));
    const bad = ends.findIndex((end) => end?.code !== 0);
    if (bad >= 0) throw new Error(`node-${bad + 1} did not end well (${ends[bad]?.says})`);
  }

  /** Every block of every store verified again, by a process that has nothing else in mind. */
  async #checkStores(): Promise<readonly StoreHead[]> {
    const heads: StoreHead[] = [];
    const waiting = [...this.#members.entries()];
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [i, member] = next;
        const said = await this.#command([
          'store',
          'check',
          '--datadir',
          member.datadir,
          '--json',
          ...this.#crypto,
        ]);
        heads[i] = JSON.parse(said) as StoreHead;
        this.#set(member, { ...member.view, state: 'verified' });
      }
    };
    await Promise.all([work(), work()]); // two at once: more would only wait for each other on two cores
    return heads;
  }
}

interface StoreHead {
  readonly head: number;
  readonly hash: string;
}

function sameHead(heads: readonly StoreHead[]): { blocks: number; head: string } {
  const [first, ...others] = heads;
  if (first === undefined || others.some(({ hash }) => hash !== first.hash)) {
    throw new Error(`the stores differ: ${heads.map(({ head, hash }) => `${head} ${hash}`).join(', ')}`);
  }
  return { blocks: first.head, head: first.hash };
}

function demoFile(name: string): string {
  return packageFile('demo', name);
}
