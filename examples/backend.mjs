// Serves a chain of your own: a ChainBackend over blocks in memory, a node before it, and a peer that asks.
// Usage: node examples/backend.mjs demo/genesis.json
import { readFile } from 'node:fs/promises';
import { bytesToHex, chooseCrypto, createNode, decodeHeader } from 'rlpxd';
import { chainFromGenesis, encodeHeader } from 'rlpxd/eth';

const hasher = chooseCrypto();
const EMPTY = { body: Uint8Array.of(0xc2, 0xc0, 0xc0), receipts: Uint8Array.of(0xc0) };

class TinyChain {
  #blocks = [];
  #numbers = new Map();
  #listeners = new Set();
  constructor(chain) {
    this.chain = chain;
    this.add(chain.genesisHeader);
  }
  add(header, { body, receipts } = EMPTY) {
    const hash = hasher.keccak256(header);
    this.#numbers.set(bytesToHex(hash), BigInt(this.#blocks.length));
    this.#blocks.push({ hash, header, body, receipts });
    for (const listener of this.#listeners) listener(this.range());
  }
  range() {
    const { hash, header } = this.#blocks.at(-1);
    const { number, timestamp } = decodeHeader(header);
    return { earliest: 0n, latest: number, latestHash: hash, latestTime: timestamp };
  }
  #of = async (hash) => this.#blocks[await this.numberOf(hash)];
  numberOf = async (hash) => this.#numbers.get(bytesToHex(hash));
  hashOf = async (number) => this.#blocks[number]?.hash;
  headerByNumber = async (number) => this.#blocks[number]?.header;
  headerByHash = async (hash) => (await this.#of(hash))?.header;
  body = async (hash) => (await this.#of(hash))?.body;
  receipts = async (hash) => (await this.#of(hash))?.receipts;
  accessList = async () => undefined; // there are none before Amsterdam
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

const chain = chainFromGenesis(await readFile(process.argv[2] ?? 'demo/genesis.json', 'utf8'), hasher);
const backend = new TinyChain(chain);
const node = await createNode({ backend, listen: { host: '127.0.0.1', port: 0 } });
const peer = await createNode({ chain });
const session = await peer.dial(node.enode).active;
const parent = decodeHeader(chain.genesisHeader);
const next = { ...parent, number: 1n, parentHash: chain.genesisHash, timestamp: parent.timestamp + 12n };
backend.add(encodeHeader(next));
const query = { origin: 0n, amount: 2, skip: 0n, reverse: false };
const headers = (await session.eth.getBlockHeaders(query)).map(decodeHeader);
console.log(`the peer was given the headers of blocks ${headers.map(({ number }) => number).join(' and ')}`);
await Promise.all([peer.close(), node.close()]);
