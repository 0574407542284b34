import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import {
  type AddressInfo,
  createServer as createNetServer,
  type Server as NetServer,
  type Socket,
} from 'node:net';
import { WebSocketServer } from 'ws';
import type { ChainBackend } from '../../src/chain/index.js';
import {
  bytesToHex,
  hexToBytes,
  JsonSplitter,
  prefixedHex,
  type RlpReader,
  readList,
} from '../../src/codec/index.js';
import {
  type BlockHeader,
  decodeBody,
  decodeHeader,
  decodeReceipts,
  encodeBlock,
  receipts69To68,
  transactionEnvelope,
  transactionType,
} from '../../src/eth/index.js';
import { hasher } from './chain-builder.js';

/** What an upstream does wrong. */
export interface UpstreamFaults {
  /** Milliseconds before each answer, on the clock that the server was given. */
  delayMs?: number;
  /** Never answers. */
  silent?: boolean;
  /** Answers with this text instead. */
  garbage?: string;
  /** HTTP: a status other than 200. */
  status?: number;
  /** Changes results: what a lying server would say. */
  bend?: (method: string, params: readonly unknown[], result: unknown) => unknown;
  /** Changes what is asked: an answer that is well-formed, about something else. */
  misread?: (method: string, params: readonly unknown[]) => readonly unknown[];
  /** Methods that it does not have. */
  lacks?: readonly string[];
  /** How it says so; −32601. */
  lacksCode?: number;
  /** Takes no batches, and says so as a whole. */
  noBatches?: boolean;
  /** Answers of a batch together may not have more bytes than this; what does not fit is refused (geth). */
  maxBatchBytes?: number;
}

interface Request {
  readonly id: unknown;
  readonly method: string;
  readonly params: readonly unknown[];
}

type Notify = (text: string) => void;

const quantity = (value: bigint | number): string => `0x${value.toString(16)}`;

class Refused extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** An execution client's JSON-RPC over any chain, with faults: the answers; how they travel is for others. */
export class UpstreamServer {
  faults: UpstreamFaults = {};
  /** How often each method was called. */
  readonly calls = new Map<string, number>();
  /** Batches and single calls that came. */
  messages = 0;
  /** Its pool: envelopes by hash. */
  readonly pool = new Map<string, Uint8Array>();
  /** What `eth_sendRawTransaction` refuses. */
  refuse: ((raw: Uint8Array) => string | undefined) | undefined;
  chain: ChainBackend;
  readonly #later: (ms: number, run: () => void) => void;
  readonly #subscribers = new Map<string, { readonly kind: string; readonly notify: Notify }>();
  readonly #filters = new Map<string, string[]>();
  #ids = 0;

  constructor(chain: ChainBackend, later: (ms: number, run: () => void) => void) {
    this.chain = chain;
    this.#later = later;
  }

  /** Tells who has subscribed of the head. */
  tellHead(): void {
    const { latest, latestHash } = this.chain.range();
    this.#notify('newHeads', { number: quantity(latest), hash: prefixedHex(latestHash) });
  }

  /** A transaction comes into the pool from elsewhere. */
  addTransaction(raw: Uint8Array): string {
    const hash = prefixedHex(hasher.keccak256(raw));
    this.pool.set(hash, raw);
    for (const changes of this.#filters.values()) changes.push(hash);
    this.#notify('newPendingTransactions', hash);
    return hash;
  }

  /** Forgets subscriptions and filters, as a restart does. */
  forget(): void {
    this.#subscribers.clear();
    this.#filters.clear();
  }

  /** @returns the text to answer; undefined: no answer, ever */
  async answer(text: string, notify?: Notify): Promise<string | undefined> {
    this.messages++;
    const { delayMs, silent, garbage, noBatches } = this.faults;
    if (delayMs !== undefined) await new Promise<void>((resolve) => this.#later(delayMs, resolve));
    if (silent === true) return undefined;
    if (garbage !== undefined) return garbage;
    const asked = JSON.parse(text) as Request | readonly Request[];
    if (!Array.isArray(asked)) return JSON.stringify(await this.#one(asked as Request, notify));
    if (noBatches === true)
      return JSON.stringify({
        jsonrpc: '2.0',
        id: null,
        error: { code: -32600, message: 'no batches here' },
      });
    const answers: unknown[] = [];
    let bytes = 0;
    for (const request of asked as readonly Request[]) {
      const answer = await this.#one(request, notify);
      bytes += JSON.stringify(answer).length;
      const full = bytes > (this.faults.maxBatchBytes ?? Number.POSITIVE_INFINITY);
      const { id } = request;
      answers.push(
        full ? { jsonrpc: '2.0', id, error: { code: -32003, message: 'response too large' } } : answer,
      );
    }
    return JSON.stringify(answers.reverse()); // in whatever order
  }

  async #one({ id, method, params }: Request, notify: Notify | undefined): Promise<unknown> {
    this.calls.set(method, (this.calls.get(method) ?? 0) + 1);
    try {
      if (this.faults.lacks?.includes(method) === true)
        throw new Refused(this.faults.lacksCode ?? -32601, `the method ${method} is not available`);
      const asked = this.faults.misread?.(method, params) ?? params;
      const result = await this.#result(method, asked, notify);
      return { jsonrpc: '2.0', id, result: this.faults.bend?.(method, params, result) ?? result };
    } catch (error) {
      const code = error instanceof Refused ? error.code : -32000;
      return {
        jsonrpc: '2.0',
        id,
        error: { code, message: error instanceof Error ? error.message : 'failed' },
      };
    }
  }

  async #result(method: string, params: readonly unknown[], notify: Notify | undefined): Promise<unknown> {
    const [first, second] = params;
    switch (method) {
      case 'web3_clientVersion':
        return 'Fake/v1.0';
      case 'debug_getRawHeader':
        return this.#or(await this.#header(first), (raw) => prefixedHex(raw));
      case 'debug_getRawBlock': {
        const { header, hash, body } = await this.#block(first);
        return prefixedHex(encodeBlock(header, body, await this.chain.accessList(hash)));
      }
      case 'debug_getRawReceipts':
        return rawReceipts(await this.#receipts(first)).map((raw) => prefixedHex(raw));
      case 'eth_getBlockByNumber':
      case 'eth_getBlockByHash': {
        if (first === 'latest' || second === false) {
          const header = await this.#header(first);
          return header === undefined ? null : headerJson(header);
        }
        const { header, body } = await this.#block(first);
        return { ...headerJson(header), ...bodyJson(body) };
      }
      case 'eth_getHeaderByNumber':
      case 'eth_getHeaderByHash':
        return this.#or(await this.#header(first), headerJson);
      case 'eth_getBlockTransactionCountByNumber':
        return quantity(decodeBody((await this.#block(first)).body).transactions.length);
      case 'eth_getBlockReceipts':
        return receiptsJson(await this.#receipts(first));
      case 'eth_subscribe': {
        if (notify === undefined) throw new Refused(-32601, 'notifications not supported');
        const id = quantity(++this.#ids);
        this.#subscribers.set(id, { kind: String(first), notify });
        return id;
      }
      case 'eth_newPendingTransactionFilter': {
        const id = quantity(++this.#ids);
        this.#filters.set(id, []);
        return id;
      }
      case 'eth_getFilterChanges': {
        const changes = this.#filters.get(String(first));
        if (changes === undefined) throw new Refused(-32000, 'filter not found');
        return changes.splice(0);
      }
      case 'eth_sendRawTransaction': {
        const raw = hexToBytes(String(first));
        const why = this.refuse?.(raw);
        if (why !== undefined) throw new Refused(-32000, why);
        const hash = prefixedHex(hasher.keccak256(raw));
        if (this.pool.has(hash)) throw new Refused(-32000, 'already known');
        return this.addTransaction(raw);
      }
      case 'eth_getRawTransactionByHash':
        return this.#or(this.pool.get(String(first)), (raw) => prefixedHex(raw));
      default:
        throw new Refused(-32601, `the method ${method} does not exist/is not available`);
    }
  }

  #or<T>(value: T | undefined, shown: (value: T) => unknown): unknown {
    return value === undefined ? null : shown(value);
  }

  async #header(id: unknown): Promise<Uint8Array | undefined> {
    const text = String(id);
    if (text === 'latest') return this.chain.headerByNumber(this.chain.range().latest);
    if (text.length === 66) return this.chain.headerByHash(hexToBytes(text));
    return this.chain.headerByNumber(BigInt(text));
  }

  async #block(id: unknown): Promise<{ header: Uint8Array; hash: Uint8Array; body: Uint8Array }> {
    const header = await this.#header(id);
    if (header === undefined) throw new Refused(-32000, 'block not found');
    const hash = hasher.keccak256(header);
    const body = await this.chain.body(hash);
    if (body === undefined) throw new Refused(4444, 'pruned history unavailable');
    return { header, hash, body };
  }

  async #receipts(id: unknown): Promise<Uint8Array> {
    const { hash } = await this.#block(id);
    const receipts = await this.chain.receipts(hash);
    if (receipts === undefined) throw new Refused(4444, 'pruned history unavailable');
    return receipts;
  }

  #notify(kind: string, result: unknown): void {
    for (const [subscription, one] of this.#subscribers) {
      if (one.kind !== kind) continue;
      const params = { subscription, result };
      one.notify(JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription', params }));
    }
  }
}

/** The leaves of the receipts root. */
function rawReceipts(receipts: Uint8Array): Uint8Array[] {
  const list = readList(receipts69To68(receipts, hasher));
  const leaves: Uint8Array[] = [];
  while (!list.done) leaves.push(list.isList() ? list.raw() : list.bytes());
  return leaves;
}

const NAMES: Readonly<Partial<Record<keyof BlockHeader, string>>> = {
  unclesHash: 'sha3Uncles',
  beneficiary: 'miner',
};

function headerJson(raw: Uint8Array): Record<string, unknown> {
  const fields = Object.entries(decodeHeader(raw)).map(([name, value]) => [
    NAMES[name as keyof BlockHeader] ?? name,
    typeof value === 'bigint' ? quantity(value) : prefixedHex(value as Uint8Array),
  ]);
  return { ...Object.fromEntries(fields), hash: prefixedHex(hasher.keccak256(raw)), uncles: [] };
}

const TYPED: Readonly<Record<number, readonly string[]>> = {
  0: ['nonce', 'gasPrice', 'gas', 'to', 'value', 'input', 'v', 'r', 's'],
  1: ['chainId', 'nonce', 'gasPrice', 'gas', 'to', 'value', 'input', 'accessList', 'v', 'r', 's'],
  2: [
    ...['chainId', 'nonce', 'maxPriorityFeePerGas', 'maxFeePerGas', 'gas', 'to', 'value', 'input'],
    ...['accessList', 'v', 'r', 's'],
  ],
  3: [
    ...['chainId', 'nonce', 'maxPriorityFeePerGas', 'maxFeePerGas', 'gas', 'to', 'value', 'input'],
    ...['accessList', 'maxFeePerBlobGas', 'blobVersionedHashes', 'v', 'r', 's'],
  ],
  4: [
    ...['chainId', 'nonce', 'maxPriorityFeePerGas', 'maxFeePerGas', 'gas', 'to', 'value', 'input'],
    ...['accessList', 'authorizationList', 'v', 'r', 's'],
  ],
};
const DATA = new Set(['input', 'to']);

function transactionJson(item: Uint8Array): Record<string, unknown> {
  const type = transactionType(item);
  const envelope = transactionEnvelope(item);
  const list = readList(type === 0 ? envelope : envelope.subarray(1));
  const json: Record<string, unknown> = { type: quantity(type) };
  for (const name of TYPED[type] ?? []) json[name] = fieldJson(name, list);
  return json;
}

function fieldJson(name: string, list: RlpReader): unknown {
  if (list.isList()) return listJson(name, list.list());
  const bytes = list.bytes();
  if (name === 'to' && bytes.length === 0) return null;
  return DATA.has(name) ? prefixedHex(bytes) : quantity(BigInt(`0x${bytesToHex(bytes) || '0'}`));
}

function listJson(name: string, list: RlpReader): unknown[] {
  const items: unknown[] = [];
  while (!list.done) {
    if (name === 'blobVersionedHashes') items.push(prefixedHex(list.bytes()));
    else if (name === 'accessList') {
      const entry = list.list();
      const address = prefixedHex(entry.bytes());
      const storageKeys: string[] = [];
      for (const keys = entry.list(); !keys.done; ) storageKeys.push(prefixedHex(keys.bytes()));
      items.push({ address, storageKeys });
    } else {
      const one = list.list();
      const number = (): string => quantity(one.uint(32));
      const chainId = number();
      const address = prefixedHex(one.bytes());
      items.push({ chainId, address, nonce: number(), yParity: number(), r: number(), s: number() });
    }
  }
  return items;
}

function bodyJson(raw: Uint8Array): Record<string, unknown> {
  const { transactions, withdrawals } = decodeBody(raw);
  const json: Record<string, unknown> = { transactions: transactions.map(transactionJson) };
  if (withdrawals === undefined) return json;
  const list = readList(withdrawals);
  const items: unknown[] = [];
  while (!list.done) {
    const one = list.list();
    const [index, validatorIndex] = [quantity(one.uint()), quantity(one.uint())];
    items.push({ index, validatorIndex, address: prefixedHex(one.bytes()), amount: quantity(one.uint()) });
  }
  return { ...json, withdrawals: items };
}

function receiptsJson(raw: Uint8Array): unknown[] {
  return decodeReceipts(raw).map(({ type, status, cumulativeGasUsed, logs }) => {
    const shown: unknown[] = [];
    for (const list = readList(logs); !list.done; ) {
      const log = list.list();
      const address = prefixedHex(log.bytes());
      const topics: string[] = [];
      for (const each = log.list(); !each.done; ) topics.push(prefixedHex(each.bytes()));
      shown.push({ address, topics, data: prefixedHex(log.bytes()) });
    }
    return {
      ...{ type: quantity(type), cumulativeGasUsed: quantity(cumulativeGasUsed), logs: shown },
      ...(status.length === 32 ? { root: prefixedHex(status) } : { status: quantity(status[0] ?? 0) }),
    };
  });
}

/** The server on a real socket of this machine. */
export interface RealUpstream {
  readonly url: string;
  /** Cuts all connections, as a crash does. */
  close(): Promise<void>;
}

/** @param port 0 takes a free one */
export async function httpUpstream(server: UpstreamServer, port = 0): Promise<RealUpstream> {
  const sockets = new Set<Socket>();
  const http: HttpServer = createHttpServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    request.on('end', () => {
      void server.answer(text).then((answer) => {
        if (answer === undefined) return;
        response.writeHead(server.faults.status ?? 200, { 'content-type': 'application/json' });
        response.end(answer);
      });
    });
  });
  http.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

export async function webSocketUpstream(server: UpstreamServer, port = 0): Promise<RealUpstream> {
  const sockets = new WebSocketServer({ host: '127.0.0.1', port });
  await new Promise<void>((resolve) => sockets.once('listening', resolve));
  sockets.on('connection', (socket) => {
    socket.on('message', (data) => {
      void server
        .answer(String(data), (text) => socket.send(text))
        .then((answer) => {
          if (answer !== undefined) socket.send(answer);
        });
    });
  });
  return {
    url: `ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets.clients) socket.terminate();
        sockets.close(() => resolve());
      }),
  };
}

/** One JSON value per line, as the clients do. */
export async function ipcUpstream(server: UpstreamServer, path: string): Promise<RealUpstream> {
  const sockets = new Set<Socket>();
  const net: NetServer = createNetServer((socket) => {
    sockets.add(socket);
    const splitter = new JsonSplitter(64 * 1024 * 1024);
    const say = (answer: string): boolean => socket.write(`${answer}\n`);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    socket.on('data', (part) => {
      for (const value of splitter.push(part).values)
        void server.answer(new TextDecoder().decode(value), say).then((answer) => answer && say(answer));
    });
  });
  await new Promise<void>((resolve) => net.listen(path, resolve));
  return {
    url: path,
    close: () =>
      new Promise((resolve) => {
        net.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
