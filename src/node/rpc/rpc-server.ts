import { JsonSplitter } from '../../codec/index.js';
import type { Clock, Ipc, IpcListener, IpcSocket, Logger, Timer } from '../../runtime/index.js';
import { answerRpc, failure, RPC_ERROR, type RpcMethods } from './json-rpc.js';

/** Connections at once; whoever comes when all are taken is turned away. */
export const MAX_RPC_CONNECTIONS = 16;
/** One request or batch. A transaction with six blobs has 1.7 MB as hex. */
export const MAX_RPC_MESSAGE_BYTES = 4_194_304;
/** Answers that nobody reads: nothing more is read from who does not take them. */
const MAX_QUEUED_BYTES = 1_048_576;
/** Requests that came in one piece and wait for those before them; their bytes are those of one piece and one message. */
const MAX_WAITING = 4_096;
/** A request must be whole, and an answer be taken, within this time. */
const STALL_MS = 30_000;
/** A console may rest for long. */
const IDLE_MS = 600_000;

export interface RpcServerOptions {
  readonly ipc: Ipc;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly methods: RpcMethods;
}

/** JSON-RPC on a socket file. Who may open the file may ask. */
export class RpcServer {
  readonly #options: RpcServerOptions;
  readonly #connections = new Set<RpcConnection>();
  #listener: IpcListener | undefined;
  #closed = false;

  constructor(options: RpcServerOptions) {
    this.#options = options;
  }

  /** @throws RuntimeError ERR_RUNTIME_LISTEN */
  async listen(path: string): Promise<void> {
    this.#listener = await this.#options.ipc.listen(path, (socket) => this.#accept(socket));
    if (this.#closed) await this.#listener.close();
  }

  /** Cuts all connections. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const connection of [...this.#connections]) connection.destroy();
    await this.#listener?.close();
  }

  get connections(): number {
    return this.#connections.size;
  }

  #accept(socket: IpcSocket): void {
    if (this.#closed || this.#connections.size >= MAX_RPC_CONNECTIONS) {
      socket.destroy();
      return;
    }
    const connection = new RpcConnection(socket, this.#options, () => this.#connections.delete(connection));
    this.#connections.add(connection);
  }
}

/** One who asks: answered one request after the other, in the order asked. */
class RpcConnection {
  readonly #socket: IpcSocket;
  readonly #options: RpcServerOptions;
  readonly #splitter = new JsonSplitter(MAX_RPC_MESSAGE_BYTES);
  #waiting: Uint8Array[] = [];
  #breach: string | undefined;
  #ended = false;
  #working = false;
  #gone = false;
  #timer: Timer | undefined;
  #onDrain: (() => void) | undefined;

  constructor(socket: IpcSocket, options: RpcServerOptions, gone: () => void) {
    this.#socket = socket;
    this.#options = options;
    socket.attach({
      data: (chunk) => this.#read(chunk),
      drain: () => this.#onDrain?.(),
      end: () => {
        this.#ended = true;
        this.#work();
      },
      closed: () => {
        this.#gone = true;
        this.#timer?.cancel();
        this.#waiting = [];
        this.#onDrain?.();
        gone();
      },
    });
    this.#watch();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Uint8Array): void {
    if (this.#breach !== undefined || this.#gone) return;
    const { values, breach } = this.#splitter.push(chunk);
    this.#waiting.push(...values);
    const tooLong = `too long: a request or batch may have ${MAX_RPC_MESSAGE_BYTES} bytes`;
    if (this.#waiting.length > MAX_WAITING) this.#breach = 'too many at once';
    else this.#breach = breach === 'too long' ? tooLong : breach;
    this.#work();
  }

  #work(): void {
    if (this.#working || this.#gone) return;
    this.#working = true;
    this.#socket.pause();
    void this.#answerAll().then(() => {
      this.#working = false;
      if (this.#gone) return;
      if (this.#waiting.length > 0) return this.#work();
      if (this.#breach !== undefined) this.#say(failure(null, RPC_ERROR.parse, this.#breach));
      if (this.#breach !== undefined || this.#ended) this.#socket.end();
      else this.#socket.resume();
      this.#watch();
    });
  }

  async #answerAll(): Promise<void> {
    const { methods, logger } = this.#options;
    for (let value = this.#waiting.shift(); value !== undefined; value = this.#waiting.shift()) {
      this.#watch();
      const answer = await answerRpc(value, methods, (method, error) =>
        logger.error({ event: 'rpc.failed', method, cause: error }, 'a method of the local socket failed'),
      );
      if (this.#gone) return;
      if (answer !== undefined) this.#say(answer);
      if (this.#socket.pendingBytes > MAX_QUEUED_BYTES) await this.#taken();
    }
  }

  #say(answer: string): void {
    this.#socket.write([new TextEncoder().encode(`${answer}\n`)]);
  }

  #taken(): Promise<void> {
    this.#watch();
    return new Promise((resolve) => {
      this.#onDrain = () => {
        this.#onDrain = undefined;
        resolve();
      };
    });
  }

  /** Begins the one deadline anew: the short one where something is under way. */
  #watch(): void {
    this.#timer?.cancel();
    if (this.#gone) return;
    const busy =
      this.#splitter.isAmid || this.#working || this.#socket.pendingBytes > 0 || this.#breach !== undefined;
    this.#timer = this.#options.clock.timer(busy || this.#ended ? STALL_MS : IDLE_MS, () =>
      this.#socket.destroy(),
    );
  }
}
