import { type Logger, RuntimeError } from '../runtime/index.js';
import type { CloseCause, SessionHandle } from '../session/index.js';
import { datadirPaths } from './datadir.js';
import { ConfigError } from './errors.js';
import type { RlpxdNode } from './node.js';
import { nodeMethods, RpcServer } from './rpc/index.js';
import { isKept, SessionHistory } from './session-history.js';

/**
 * What a node with a datadir has for those on the same machine: a history of its sessions, and a socket to ask at. A node
 * does its work without either: where one cannot be opened that is said, unless another node has it.
 */
export class LocalDesk {
  readonly #node: RlpxdNode;
  readonly #logger: Logger;
  #server: RpcServer | undefined;
  #history: SessionHistory | undefined;
  /** Not taken down yet; one in a turn of the loop, as it takes longer than all else at an end. */
  readonly #ended: { readonly session: SessionHandle; readonly cause: CloseCause }[] = [];
  readonly #turn = (): void => {
    this.#takeDown();
    if (this.#ended.length > 0) this.#node.world.clock.soon(this.#turn);
  };

  constructor(node: RlpxdNode, logger: Logger) {
    this.#node = node;
    this.#logger = logger;
  }

  get history(): SessionHistory | undefined {
    return this.#history;
  }

  /** @throws ConfigError ERR_CONFIG_DATADIR where another node answers at the socket */
  async open(): Promise<void> {
    const { datadir } = this.#node.config;
    if (datadir === undefined) return;
    const { sessions, socket } = datadirPaths(datadir);
    await this.#openHistory(sessions);
    await this.#listen(socket, datadir);
  }

  ended(session: SessionHandle, cause: CloseCause): void {
    if (this.#history === undefined || !isKept(session)) return;
    this.#ended.push({ session, cause });
    if (this.#ended.length === 1) this.#node.world.clock.soon(this.#turn);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#server?.close();
    while (this.#ended.length > 0) this.#takeDown();
    await this.#history?.close();
  }

  #takeDown(): void {
    const one = this.#ended.shift();
    if (one !== undefined) this.#history?.add(one.session, one.cause);
  }

  async #openHistory(path: string): Promise<void> {
    const { world } = this.#node;
    const [clock, logger] = [world.clock, this.#logger];
    try {
      await world.files.makeDirectory(path);
      const store = await world.stores.open(path);
      this.#history = await SessionHistory.open({ store, clock, logger }).catch(async (error: unknown) => {
        await store.close();
        throw error;
      });
    } catch (cause) {
      logger.warn({ event: 'sessions.unkept', cause }, 'no history of sessions is kept');
    }
  }

  async #listen(path: string, datadir: string): Promise<void> {
    const [node, logger] = [this.#node, this.#logger];
    const { clock, ipc } = node.world;
    const server = new RpcServer({ ipc, clock, logger, methods: nodeMethods(node) });
    try {
      await server.listen(path);
      this.#server = server;
    } catch (cause) {
      if (!(cause instanceof RuntimeError)) throw cause;
      if (cause.detail === 'EADDRINUSE') {
        const says = `datadir ${datadir} is in use: another node answers at ${path}`;
        throw new ConfigError('ERR_CONFIG_DATADIR', 'datadir', says, { cause });
      }
      logger.warn({ event: 'rpc.none', cause }, 'there is no local socket');
    }
  }
}
