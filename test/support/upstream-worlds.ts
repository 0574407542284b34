import {
  type ChainBackend,
  MemoryChain,
  openUpstream,
  type UpstreamBackend,
  type UpstreamOptions,
} from '../../src/chain/index.js';
import { JsonSplitter } from '../../src/codec/index.js';
import {
  type IpcListener,
  type IpcSocket,
  type SimulatedWorld,
  simulatedWorld,
} from '../../src/runtime/index.js';
import { type BuiltChain, hasher } from './chain-builder.js';
import { UpstreamServer } from './upstream-server.js';

export type LinkName = 'http' | 'ws' | 'ipc';

export const UPSTREAM_URLS: Readonly<Record<LinkName, string>> = {
  http: 'http://127.0.0.1:8545/',
  ws: 'ws://127.0.0.1:8546/',
  ipc: '/geth/geth.ipc',
};

/** An execution client in a simulated world, that can be stopped and started, and its chain. */
export class SimulatedUpstream {
  readonly world: SimulatedWorld;
  readonly memory: MemoryChain;
  readonly server: UpstreamServer;
  readonly url: string;
  readonly #chain: Pick<BuiltChain, 'spec'>;
  readonly #link: LinkName;
  readonly #sockets = new Set<IpcSocket>();
  #listener: IpcListener | undefined;

  constructor(
    chain: Pick<BuiltChain, 'spec'>,
    link: LinkName,
    world: SimulatedWorld = simulatedWorld({ seed: 1 }),
  ) {
    this.#chain = chain;
    this.#link = link;
    this.url = UPSTREAM_URLS[link];
    this.world = world;
    this.memory = new MemoryChain(chain.spec, hasher);
    this.server = new UpstreamServer(this.memory, (ms, run) => {
      this.world.clock.happening(ms, run);
    });
  }

  async start(): Promise<void> {
    const { web, ipc } = this.world;
    const { server, url } = this;
    if (this.#link === 'ipc') {
      this.#listener = await ipc.listen(url, (socket) => this.#accept(socket));
      return;
    }
    web.serve(url, {
      post: async (body) => {
        const answer = await server.answer(body);
        if (answer === undefined) return new Promise(() => undefined);
        if (server.faults.status !== undefined) throw `status ${server.faults.status}`;
        return answer;
      },
      open: (peer) => ({
        message: (text) => {
          void server
            .answer(text, (note) => peer.send(note))
            .then((answer) => {
              if (answer !== undefined) peer.send(answer);
            });
        },
        closed: () => undefined,
      }),
    });
  }

  /** Its process is gone, and what it knew of subscriptions. */
  async stop(): Promise<void> {
    this.server.forget();
    this.world.web.serve(this.url, undefined);
    for (const socket of [...this.#sockets]) socket.destroy();
    await this.#listener?.close();
  }

  /** The backend, as the node opens it. */
  open(options: Partial<UpstreamOptions> = {}): Promise<UpstreamBackend> {
    const { clock } = this.world;
    const { url, world } = this;
    return clock.settle(openUpstream({ url, chain: this.#chain.spec, hasher, world, ...options }));
  }

  #accept(socket: IpcSocket): void {
    const splitter = new JsonSplitter(64 * 1024 * 1024);
    const say = (text: string): void => {
      socket.write([new TextEncoder().encode(`${text}\n`)]);
    };
    this.#sockets.add(socket);
    socket.attach({
      data: (chunk) => {
        for (const value of splitter.push(chunk).values) {
          const text = new TextDecoder().decode(value);
          void this.server.answer(text, say).then((answer) => answer !== undefined && say(answer));
        }
      },
      drain: () => undefined,
      end: () => socket.destroy(),
      closed: () => this.#sockets.delete(socket),
    });
  }
}

/** Everything of a block that a backend serves, as text: long lists of bytes are compared slowly. */
export async function everything(
  backend: ChainBackend,
  hash: Uint8Array,
): Promise<Readonly<Record<string, unknown>>> {
  const text = (bytes: Uint8Array | undefined): string | undefined =>
    bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
  return {
    number: await backend.numberOf(hash),
    header: text(await backend.headerByHash(hash)),
    body: text(await backend.body(hash)),
    receipts: text(await backend.receipts(hash)),
    accessList: text(await backend.accessList(hash)),
  };
}
