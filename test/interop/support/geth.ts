import { createConnection } from 'node:net';
import { join } from 'node:path';
import { LineProcess, text } from './lines.js';
import { built, type ChainFiles, temporaryFolder } from './places.js';

export interface GethOptions {
  /** The chain it holds; only the genesis with `blocks: 0`. */
  readonly chain: Pick<ChainFiles, 'genesis' | 'chain'>;
  /** Insert only this many blocks. */
  readonly blocks?: number;
  readonly eth?: readonly number[];
  readonly networkId?: number;
  readonly maxPeers?: number;
  /** Where its socket stands; in a folder of its own. A geth that is started again stands where it stood. */
  readonly ipc?: string;
  /** Take transactions of peers, as a geth that has synced does. */
  readonly synced?: boolean;
  /** Speak chat beside eth: `{ op: 'say', words }` on its stdin says something to all. */
  readonly chat?: boolean;
}

/** One entry of geth's `admin_peers`. */
export interface GethPeerInfo {
  readonly id: string;
  readonly enode: string;
  readonly name: string;
  readonly caps: readonly string[];
  readonly network: {
    readonly localAddress: string;
    readonly remoteAddress: string;
    readonly inbound: boolean;
    readonly trusted: boolean;
    readonly static: boolean;
  };
  readonly protocols: {
    readonly eth?:
      | 'handshake'
      | { version: number; earliestBlock?: number; latestBlock?: number; latestBlockHash?: string };
  };
}

/** A real geth on loopback. */
export interface Geth {
  readonly process: LineProcess;
  readonly enode: string;
  /** Its node id: 64 hex digits. */
  readonly id: string;
  /** Path of its IPC socket. */
  readonly ipc: string;
  /** JSON-RPC over it. */
  call<T>(method: string, ...params: readonly unknown[]): Promise<T>;
  peers(): Promise<readonly GethPeerInfo[]>;
}

/** Starts a geth with the given chain; it is stopped after the test. */
export async function startGeth(o: GethOptions): Promise<Geth> {
  const ipc = o.ipc ?? join(temporaryFolder(), 'geth.ipc');
  const args = ['-genesis', o.chain.genesis, '-ipc', ipc];
  if (o.blocks !== 0) args.push('-chain', o.chain.chain);
  if (o.blocks !== undefined) args.push('-blocks', String(o.blocks));
  if (o.eth !== undefined) args.push('-eth', o.eth.join(','));
  if (o.networkId !== undefined) args.push('-networkid', String(o.networkId));
  if (o.maxPeers !== undefined) args.push('-maxpeers', String(o.maxPeers));
  if (o.chat) args.push('-chat');
  if (o.synced) args.push('-synced');
  const process = new LineProcess('gethpeer', built('gethpeer'), args, { json: 'stdout' });
  const ready = await process.line({ event: 'ready' });
  const call = <T>(method: string, ...params: readonly unknown[]) => rpc<T>(ipc, method, params);
  return {
    process,
    enode: text(ready, 'enode'),
    id: text(ready, 'id'),
    ipc,
    call,
    peers: () => call('admin_peers'),
  };
}

/** One call over geth's IPC: one connection, one JSON value each way. */
export async function rpc<T>(path: string, method: string, params: readonly unknown[]): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const socket = createConnection(path);
    let answer = '';
    socket.setTimeout(30_000, () => socket.destroy(new Error(`${method}: no answer over the IPC`)));
    socket.once('error', reject);
    socket.once('connect', () => socket.write(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })));
    socket.setEncoding('utf8').on('data', (data: string) => {
      answer += data;
      if (!answer.endsWith('\n')) return;
      socket.destroy();
      const { result, error } = JSON.parse(answer) as { result: T; error?: { message: string } };
      if (error === undefined) resolve(result);
      else reject(new Error(`${method}: ${error.message}`));
    });
  });
}

/** Asks until the answer is there. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The entry of a node in geth's peer table, once geth has exchanged Status with it. */
export async function gethPeer(geth: Geth, id: string, timeoutMs?: number): Promise<GethPeerInfo> {
  return await until(
    `${id} among geth's peers`,
    async () => (await geth.peers()).find((p) => p.id === id && typeof p.protocols.eth === 'object'),
    timeoutMs,
  );
}
