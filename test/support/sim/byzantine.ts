import {
  type EthMessage,
  type EthMessageOf,
  type EthRequest,
  type EthResponse,
  type EthVersion,
  forkId,
  type Status,
} from '../../../src/eth/index.js';
import {
  ScriptedPeer,
  type ScriptedPeerOptions,
  type ScriptedSession,
  type SeededRandom,
  type SimulatedWorld,
  seededRandom,
} from '../../../src/testing/index.js';
import { crypto, enodeOf, keyOf, PORT } from './daemon.js';
import { type Act, pick } from './plan.js';
import { chainSpec, type SourceChain } from './source-chain.js';

/** Whom it is done to. */
export interface Victim {
  readonly host: string;
  readonly publicKey: Uint8Array;
}

export interface ByzantineOptions {
  readonly name: string;
  readonly world: SimulatedWorld;
  readonly host: string;
  readonly seed: string;
  /** It knows the true chain: a lie within the truth goes further. */
  readonly chain: SourceChain;
  /** An honest node gave what it must not. */
  readonly broken: (says: string) => void;
}

type RawSocket = Awaited<ReturnType<SimulatedWorld['tcp']['connect']>>;

const BEHAVIOUR: Partial<Record<Act, Partial<ScriptedPeerOptions>>> = {
  'hold-auth': { holdBack: ['auth'] },
  'hold-hello': { holdBack: ['hello'] },
  'hold-status': { holdBack: ['status'] },
  early: { holdBack: ['status'] },
  mute: { pongs: false },
};
const EMPTY_BODY = Uint8Array.of(0xc2, 0xc0, 0xc0);

/** A peer that keeps to no rule. All that it does follows from its seed and the number of the fault. */
export class ByzantinePeer {
  readonly #options: ByzantineOptions;
  readonly #key: Uint8Array;
  readonly #peers = new Set<ScriptedPeer>();
  readonly #sockets = new Set<RawSocket>();
  #over = false;

  constructor(options: ByzantineOptions) {
    this.#options = options;
    this.#key = keyOf(options.seed, options.name);
  }

  get host(): string {
    return this.#options.host;
  }

  get enode(): string {
    return enodeOf(crypto.publicKey(this.#key), this.host);
  }

  /** Honest nodes that know it dial it; each call is answered in another way. */
  async listen(): Promise<void> {
    const { seed, name, world } = this.#options;
    const random = seededRandom(`${seed} ${name} listens`);
    const manner = pick(random, ['liar', 'liar', 'mute', 'hold-status', 'wrong-status'] as const);
    const peer = this.#scripted(manner, this.#key, random);
    await peer.listen({ host: world.tcp.address, port: PORT });
    const serve = async (): Promise<void> => {
      for (;;) {
        const session = await peer.accepted();
        const play = pick(random, ['liar', 'liar', 'mute', 'ping-flood', 'unasked', 'cut-frame'] as const);
        this.#later(session, play, random.fork(session.role));
      }
    };
    serve().catch(() => undefined); // until the peer is closed
  }

  /** @param number of the fault: what it does is drawn from it */
  act(act: Act, victim: Victim, number: number, fresh: boolean, forMs: number): void {
    if (this.#over) return;
    const { seed, name, world } = this.#options;
    const random = seededRandom(`${seed} ${name} act ${number}`);
    if (act === 'garbage' || act === 'silent' || act === 'drip') {
      const count = act === 'garbage' ? 1 : 1 + random.below(8);
      for (let i = 0; i < count; i++) void this.#raw(act, victim, random, forMs);
      return;
    }
    const key = fresh ? keyOf(seed, `${name} ${number}`) : this.#key;
    const peer = this.#scripted(act, key, random);
    const dials = act === 'duplicate' ? 3 : 1;
    const target = { host: victim.host, port: PORT, publicKey: victim.publicKey };
    for (let i = 0; i < dials; i++) {
      peer.dial(target).then(
        (session) => (this.#peers.has(peer) ? this.#later(session, act, random) : session.destroy()),
        () => undefined, // nobody is at home
      );
    }
    world.clock.happening(forMs, () => this.#dismiss(peer));
  }

  /** It goes away for good. */
  leave(): void {
    this.#over = true;
    for (const peer of [...this.#peers]) this.#dismiss(peer);
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  #dismiss(peer: ScriptedPeer): void {
    this.#peers.delete(peer);
    void peer.close();
  }

  #scripted(act: Act, secretKey: Uint8Array, random: SeededRandom): ScriptedPeer {
    const { world } = this.#options;
    const ahead = BigInt(random.below(40));
    const status = act === 'wrong-status' ? wrongStatus(random.below(5)) : undefined;
    const peer = new ScriptedPeer({
      ...{ world, crypto, secretKey },
      ...BEHAVIOUR[act],
      status: status ?? ((version) => this.#status(version, ahead, random)),
    });
    this.#peers.add(peer);
    return peer;
  }

  async #raw(act: Act, { host }: Victim, random: SeededRandom, forMs: number): Promise<void> {
    const { clock, tcp } = this.#options.world;
    try {
      const socket = await tcp.connect({ host, port: PORT });
      const close = (): void => {
        this.#sockets.delete(socket);
        socket.destroy();
      };
      const ended = { closed: () => this.#sockets.delete(socket), end: close };
      socket.attach({ data: () => undefined, drain: () => undefined, ...ended });
      if (this.#over) return close();
      this.#sockets.add(socket);
      if (act === 'garbage') socket.write([random.bytes(1 + random.below(3_000))]);
      const drip = (): void => {
        if (!this.#sockets.has(socket)) return;
        socket.write([random.bytes(1)]);
        clock.happening(300, drip);
      };
      if (act === 'drip') drip();
      clock.happening(forMs, close);
    } catch {
      // nobody is at home
    }
  }

  /** Goes on with a connection once it stands, or as far as it gets. */
  #later(session: ScriptedSession, act: Act, random: SeededRandom): void {
    const { clock } = this.#options.world;
    if (act === 'early') {
      clock.happening(500, () => this.#early(session));
      return;
    }
    session.ready.then(
      () => this.#play(session, act, random),
      () => undefined, // it was refused, which may well be right
    );
  }

  /** Asks before it has said its Status: nobody may answer. */
  #early(session: ScriptedSession): void {
    if (session.end !== undefined || session.hello === undefined) return;
    const query = { origin: 0n, amount: 1, skip: 0n, reverse: false };
    session.send({ name: 'GetBlockHeaders', requestId: 7n, query });
    void session.ended.then(() => {
      if (session.heard.some(({ message }) => message?.name === 'BlockHeaders'))
        this.#options.broken('a request before Status was answered');
    });
  }

  #play(session: ScriptedSession, act: Act, random: SeededRandom): void {
    const { clock } = this.#options.world;
    const over = (): boolean => session.end !== undefined;
    switch (act) {
      case 'ping-flood':
        for (let i = 0; i < 500 && !over(); i++) session.sendFrame(2, Uint8Array.of(0xc0));
        break;
      case 'gossip-flood':
        for (let i = 0; i < 200 && !over(); i++) this.#gossip(session, random);
        break;
      case 'cut-frame':
        session.sendBytes(random.bytes(16));
        clock.happening(random.below(50), () => session.destroy());
        break;
      case 'broken-mac':
        session.sendBytes(random.bytes(64));
        break;
      case 'unasked':
        this.#unasked(session, random);
        break;
      case 'greedy':
        session.stall();
        this.#greed(session);
        break;
      case 'odd-goodbye':
        session.sendFrame(1, pick(random, [Uint8Array.of(4), Uint8Array.of(0xc0), random.bytes(200)]));
        break;
      case 'mute':
        break;
      default:
        this.#lie(session, random);
    }
  }

  #gossip(session: ScriptedSession, random: SeededRandom): void {
    if (session.version >= 69 && random.below(2) === 0) {
      const latest = BigInt(random.below(100));
      session.send({ name: 'BlockRangeUpdate', earliest: 0n, latest, latestHash: random.bytes(32) });
    } else {
      session.sendRaw(8, random.bytes(random.below(64)));
    }
  }

  #unasked(session: ScriptedSession, random: SeededRandom): void {
    const answer: EthMessage = {
      name: 'BlockBodies',
      requestId: BigInt(random.below(9)),
      bodies: [EMPTY_BODY],
    };
    if (random.below(2) === 0) session.send(answer);
    else session.sendFrame(0x10 + random.below(60), random.bytes(20));
  }

  #greed(session: ScriptedSession): void {
    const query = { origin: 0n, amount: 1_024, skip: 0n, reverse: false };
    for (let i = 0; i < 80; i++) session.send({ name: 'GetBlockHeaders', requestId: BigInt(i), query });
  }

  /** Answers as an honest node would, and now and then does not. */
  #lie(session: ScriptedSession, random: SeededRandom): void {
    const { chain } = this.#options;
    const bodies = (hashes: readonly Uint8Array[]): Uint8Array[] =>
      hashes.flatMap((hash) => chain.block(hash)?.body ?? []);
    const receipts = (hashes: readonly Uint8Array[]): Uint8Array[] =>
      hashes.flatMap((hash) => chain.block(hash)?.receipts ?? []);
    session.respond('GetBlockHeaders', (request) =>
      this.#spoiled(session, request, random, (items) => ({
        ...{ name: 'BlockHeaders', requestId: 0n },
        headers: items(this.#headers(request)),
      })),
    );
    session.respond('GetBlockBodies', (request) =>
      this.#spoiled(session, request, random, (items) => ({
        ...{ name: 'BlockBodies', requestId: 0n },
        bodies: items(bodies(request.hashes)),
      })),
    );
    session.respond('GetReceipts', (request) =>
      this.#spoiled(session, request, random, (items) => ({
        ...{
          name: 'Receipts',
          requestId: 0n,
          lastBlockIncomplete: session.version >= 70 && random.below(5) === 0,
        },
        blocks: items(receipts(request.hashes)),
      })),
    );
  }

  #headers({ query }: EthMessageOf<'GetBlockHeaders'>): Uint8Array[] {
    const { chain } = this.#options;
    const { origin, amount, skip, reverse } = query;
    const start = origin instanceof Uint8Array ? chain.numberOf(origin) : Number(origin);
    const found: Uint8Array[] = [];
    for (let i = 0, number = start; number !== undefined && number >= 0 && i < Number(amount); i++) {
      const header = chain.header(number);
      if (header === undefined) break;
      found.push(header.raw);
      number += (Number(skip) + 1) * (reverse ? -1 : 1);
    }
    return found;
  }

  /** @returns the truth, something near it, or nothing at all */
  #spoiled<A extends EthResponse>(
    session: ScriptedSession,
    request: EthRequest,
    random: SeededRandom,
    make: (items: (truth: readonly Uint8Array[]) => Uint8Array[]) => A,
  ): A | undefined {
    const lie = pick(random, ['truth', 'truth', 'truth', 'none', 'more', 'swapped', 'bent', 'id', 'mute']);
    if (lie === 'mute') return undefined;
    const answer = make((truth) => spoil([...truth], lie, random));
    if (lie !== 'id') return answer;
    session.send({ ...answer, requestId: request.requestId + 1n });
    return undefined;
  }

  #status(version: EthVersion, ahead: bigint, random: SeededRandom): Status {
    const { chain } = this.#options;
    const latest = BigInt(chain.height) + ahead;
    const latestHash = (ahead === 0n ? chain.header(chain.height)?.hash : undefined) ?? random.bytes(32);
    const fork = forkId(chainSpec, { number: latest, time: chainSpec.genesisTime + 12n * latest });
    const common = { networkId: chainSpec.networkId, genesisHash: chainSpec.genesisHash, forkId: fork };
    if (version === 68) return { version, ...common, totalDifficulty: 1n, bestHash: latestHash };
    return { version, ...common, earliest: 0n, latest, latestHash };
  }
}

function spoil(items: Uint8Array[], lie: string, random: SeededRandom): Uint8Array[] {
  switch (lie) {
    case 'none':
      return [];
    case 'more':
      return [...items, ...items, EMPTY_BODY];
    case 'swapped':
      return items.reverse();
    case 'bent': {
      const bent = items[0]?.slice();
      if (bent !== undefined)
        bent[bent.length - 1 - random.below(Math.min(20, bent.length))] = random.below(256);
      return bent === undefined ? [] : [bent, ...items.slice(1)];
    }
    default:
      return items;
  }
}

function wrongStatus(which: number): (version: EthVersion) => Status {
  return (version) => {
    const right = forkId(chainSpec, { number: 0n, time: chainSpec.genesisTime });
    const common = {
      networkId: which === 0 ? 9n : chainSpec.networkId,
      genesisHash: which === 1 ? new Uint8Array(32).fill(9) : chainSpec.genesisHash,
      forkId: which === 2 ? { hash: Uint8Array.of(9, 9, 9, 9), next: 0n } : right,
    };
    if (version === 68)
      return { version, ...common, totalDifficulty: 1n, bestHash: new Uint8Array(32).fill(which) };
    const [earliest, latest] = which === 3 ? [9n, 3n] : [0n, 5n];
    return { version, ...common, earliest, latest, latestHash: new Uint8Array(32).fill(which === 4 ? 0 : 1) };
  };
}
