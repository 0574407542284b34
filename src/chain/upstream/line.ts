import { prefixedHex, sameBytes } from '../../codec/index.js';
import type { ChainSpec, Hasher } from '../../eth/index.js';
import type { Logger, Timer } from '../../runtime/index.js';
import { ChainError } from '../errors.js';
import { openLink, type UpstreamWorld, upstreamName } from './link.js';
import { UpstreamRpc } from './rpc.js';
import { isFound, UpstreamSource } from './source.js';

/** A link that stands: its server is there and has our chain. */
export interface Connected {
  readonly rpc: UpstreamRpc;
  readonly source: UpstreamSource;
  /** Whether it can be subscribed to. */
  readonly duplex: boolean;
  /** How the server calls itself, where it says so. */
  readonly client: string | undefined;
  /** Resolves with why the link has ended. */
  readonly ended: Promise<string>;
}

/** What an upstream is at the moment. */
export type LineState = 'connecting' | 'up' | 'down' | 'other-chain' | 'closed';

export interface LineOptions {
  readonly url: string;
  readonly chain: ChainSpec;
  readonly hasher: Hasher;
  readonly world: UpstreamWorld;
  readonly logger: Logger;
  readonly timeoutMs: number;
  /** A link stands; the line waits for it to end, and for what is returned. */
  readonly connected: (link: Connected) => Promise<void>;
  readonly notified: (subscription: string, result: unknown) => void;
  /** The state has changed. */
  readonly changed: () => void;
}

/** A node that restarts is back within a second or two; one that is away for long is asked every ten. */
const FIRST_WAIT_MS = 250;
const MOST_WAIT_MS = 10_000;
const JITTER = 0.25;
/** A link that stood so long was a good one: the next wait is a first one again. */
const STEADY_MS = 5_000;
/** geth answers a batch with 25 MB at most, and one block's receipts, written in hex, have had 20. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const MAX_CLIENT_CHARACTERS = 128;

/** Keeps a link to the upstream: opens it, asks which chain is there, and opens it again after every end. */
export class UpstreamLine {
  readonly #options: LineOptions;
  readonly #closing = new AbortController();
  readonly #done: Promise<void>;
  #state: LineState = 'connecting';
  #says: string | undefined;
  #current: Connected | undefined;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#done = this.#run();
  }

  get state(): LineState {
    return this.#state;
  }

  /** Why it is not up. */
  get says(): string | undefined {
    return this.#says;
  }

  get current(): Connected | undefined {
    return this.#current;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#options.world;
    const { signal } = this.#closing;
    for (let waitMs = FIRST_WAIT_MS; !signal.aborted; ) {
      const beganMs = clock.now();
      const ended = await this.#link().catch((error: unknown) => error);
      if (signal.aborted) break;
      this.#tell(ended);
      if (clock.now() - beganMs > STEADY_MS) waitMs = FIRST_WAIT_MS;
      await this.#pause(waitMs * (1 + JITTER * (2 * random.unit() - 1)));
      waitMs = Math.min(2 * waitMs, MOST_WAIT_MS);
    }
    this.#become('closed', undefined);
  }

  /** One link from its opening to its end. @returns why it ended @throws RuntimeError, ChainError */
  async #link(): Promise<string> {
    const { url, world, timeoutMs, notified, connected } = this.#options;
    let end: (says: string) => void = () => undefined;
    let over = false;
    const ended = new Promise<string>((resolve) => {
      end = (says) => {
        over = true;
        // at once: who was not answered looks here whether there is anybody left to ask
        if (this.#current?.rpc === rpc) this.#current = undefined;
        resolve(says);
      };
    });
    const rpc = new UpstreamRpc({ clock: world.clock, timeoutMs, notified, lost: end });
    const opening = new AbortController();
    const timer = world.clock.timer(timeoutMs, () => opening.abort());
    const onClose = (): void => {
      opening.abort();
      end('closed');
    };
    this.#closing.signal.addEventListener('abort', onClose, { once: true });
    void ended.then((says) => rpc.close(says));
    try {
      const link = await openLink(url, {
        handlers: { message: (text) => rpc.receive(text), closed: end },
        ...{ world, maxBytes: MAX_ANSWER_BYTES, signal: opening.signal },
      });
      rpc.start(link);
      const source = new UpstreamSource(rpc);
      const client = await this.#greet(rpc, source).catch((error: unknown) => {
        if (!over) throw error;
        return undefined; // why the link has ended says more
      });
      if (over) return await ended;
      this.#current = { rpc, source, duplex: link.duplex, client, ended };
      this.#become('up', undefined);
      await connected(this.#current);
      return await ended;
    } finally {
      this.#current = undefined;
      timer.cancel();
      this.#closing.signal.removeEventListener('abort', onClose);
      end('done with');
    }
  }

  /** Which server and which chain is it? @throws ChainError ERR_CHAIN_GENESIS, and an Error where it does not say */
  async #greet(rpc: UpstreamRpc, source: UpstreamSource): Promise<string | undefined> {
    const { chain, hasher, url } = this.#options;
    const [answer] = await Promise.all([rpc.call('web3_clientVersion', []), source.learn()]);
    const genesis = await source.header(0n);
    if (!isFound(genesis)) throw new Error(`it does not show its genesis (${genesis})`);
    const hash = hasher.keccak256(genesis);
    if (!sameBytes(hash, chain.genesisHash)) {
      const theirs = `the chain of ${upstreamName(url)} begins with ${prefixedHex(hash)}`;
      throw new ChainError(
        'ERR_CHAIN_GENESIS',
        `${theirs}, and ${chain.name} with ${prefixedHex(chain.genesisHash)}`,
      );
    }
    const named = answer.kind === 'result' ? answer.result : undefined;
    return typeof named === 'string' ? named.slice(0, MAX_CLIENT_CHARACTERS) : undefined;
  }

  #tell(ended: unknown): void {
    const { logger, url } = this.#options;
    const says = ended instanceof Error ? ended.message : String(ended);
    const wrongChain = ended instanceof ChainError && ended.code === 'ERR_CHAIN_GENESIS';
    const before = this.#state;
    this.#become(wrongChain ? 'other-chain' : 'down', says);
    if (before === this.#state) return; // it was said before
    const line = {
      event: wrongChain ? 'upstream.chain' : 'upstream.down',
      upstream: upstreamName(url),
      says,
    };
    if (wrongChain) logger.error(line, says);
    else logger.warn(line, `the upstream ${upstreamName(url)} is not reachable: ${says}`);
  }

  #become(state: LineState, says: string | undefined): void {
    this.#state = state;
    this.#says = says;
    this.#options.changed();
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer: Timer = this.#options.world.clock.timer(ms, end);
      signal.addEventListener('abort', end);
      if (signal.aborted) end();
    });
  }
}
