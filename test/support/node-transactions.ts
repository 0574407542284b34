import { bytesToBigint, concatBytes, encodeBytes, encodeList, encodeUint } from '../../src/codec/index.js';
import { nodeCrypto } from '../../src/crypto/index.js';
import type { EthVersion } from '../../src/eth/index.js';
import type { NodeOptions, RlpxdNode } from '../../src/node/index.js';
import { type PooledTransaction, readTransaction } from '../../src/pool/index.js';
import { ScriptedPeer, type ScriptedSession } from '../../src/testing/index.js';
import { demo, Internet } from './node-worlds.js';

const crypto = nodeCrypto();
/** That of the transaction vectors. */
export const CHAIN_ID = 3_503_995_874_084_926n;

export interface SignedTransaction {
  /** A number stands for an account. */
  readonly key?: number;
  readonly nonce?: number;
  readonly tip?: number;
  readonly dataBytes?: number;
  readonly chainId?: bigint;
  readonly gas?: number;
}

/** A real transaction of type 2. */
export function signed(made: SignedTransaction = {}): PooledTransaction {
  const { key = 1, nonce = 0, tip = 10, dataBytes = 0, chainId = CHAIN_ID } = made;
  const { gas = 21_000 + 40 * dataBytes } = made;
  const fields = [
    ...[encodeUint(chainId), encodeUint(nonce), encodeUint(tip), encodeUint(10_000_000_000 + tip)],
    ...[encodeUint(gas), encodeBytes(new Uint8Array(20).fill(9)), encodeUint(1)],
    ...[encodeBytes(new Uint8Array(dataBytes).fill(1)), encodeList([])],
  ];
  const secret = new Uint8Array(32);
  new DataView(secret.buffer).setUint32(28, key);
  const type = Uint8Array.of(2);
  const signature = crypto.sign(crypto.keccak256(type, encodeList(fields)), secret);
  const number = (from: number, to: number) => encodeUint(bytesToBigint(signature.subarray(from, to)));
  const envelope = concatBytes([
    type,
    encodeList([...fields, encodeUint(signature[64] ?? 0), number(0, 32), number(32, 64)]),
  ]);
  return readTransaction(encodeBytes(envelope), { crypto });
}

/** What a peer says to announce them. */
export function announcing(all: readonly PooledTransaction[]) {
  return {
    name: 'NewPooledTransactionHashes' as const,
    types: Uint8Array.from(all, ({ type }) => type),
    sizes: all.map(({ bytes }) => bytes),
    hashes: all.map(({ hash }) => hash),
  };
}

/** A node that looks at transactions, and peers that do what the test says, all in memory. */
export class TransactionTown {
  readonly internet: Internet = new Internet();
  readonly node: RlpxdNode;
  readonly #host: string;

  private constructor(internet: Internet, node: RlpxdNode, host: string) {
    this.internet = internet;
    this.node = node;
    this.#host = host;
  }

  /** That of the demonstration chain, under another chain id. */
  static genesis(): string {
    const genesis = JSON.parse(demo.genesis());
    genesis.config.chainId = Number(CHAIN_ID);
    return JSON.stringify(genesis);
  }

  static async open(options: NodeOptions = {}): Promise<TransactionTown> {
    const internet = new Internet();
    const world = internet.world();
    const chain = options.backend === undefined ? { chain: TransactionTown.genesis() } : {};
    const node = await internet.clock.settle(
      internet.node({ ...chain, transactions: 'relay', ...options, world }),
    );
    return new TransactionTown(internet, node, world.host);
  }

  get clock(): Internet['clock'] {
    return this.internet.clock;
  }

  /** A peer that has exchanged Status with the node. */
  async peer(version: EthVersion = 70): Promise<ScriptedSession> {
    const peer = new ScriptedPeer({ world: this.internet.world(), ethVersions: [version] });
    const target = { host: this.#host, port: 30_303, publicKey: this.node.sessions.publicKey };
    const session = await this.clock.settle(peer.dial(target));
    await this.clock.settle(session.ready);
    await this.clock.advance(50);
    return session;
  }

  async peers(count: number, version: EthVersion = 70): Promise<ScriptedSession[]> {
    const all: ScriptedSession[] = [];
    for (let i = 0; i < count; i++) all.push(await this.peer(version));
    return all;
  }

  /** Transactions that a peer was sent whole, and hashes that it was told of. */
  told(session: ScriptedSession): { readonly whole: number; readonly announced: readonly Uint8Array[] } {
    let whole = 0;
    const announced: Uint8Array[] = [];
    for (const { message } of session.heard) {
      if (message?.name === 'Transactions') whole += message.transactions.length;
      if (message?.name === 'NewPooledTransactionHashes') announced.push(...message.hashes);
    }
    return { whole, announced };
  }
}
