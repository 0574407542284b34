import type { TcpListener, TcpSocket, TcpSocketHandlers } from '../../src/runtime/index.js';
import type { Twin } from './runtime-worlds.js';

/** An owner of a socket that writes down all it is told. */
export class Recorder implements TcpSocketHandlers {
  readonly socket: TcpSocket;
  readonly chunks: number[] = [];
  readonly calls: string[] = [];
  received: Uint8Array = new Uint8Array(0);
  receivedBytes = 0;
  error: string | undefined;
  /** Runs after each call. */
  after: (call: string) => void = () => undefined;
  #keep: boolean;

  constructor(socket: TcpSocket, keep = true) {
    this.socket = socket;
    this.#keep = keep;
    socket.attach(this);
  }

  data(chunk: Uint8Array): void {
    this.receivedBytes += chunk.length;
    this.chunks.push(chunk.length);
    if (this.#keep) {
      const longer = new Uint8Array(this.received.length + chunk.length);
      longer.set(this.received);
      longer.set(chunk, this.received.length);
      this.received = longer;
    }
    this.#told('data');
  }

  drain(): void {
    this.#told('drain');
  }

  end(): void {
    this.#told('end');
  }

  closed(error: string | undefined): void {
    this.error = error;
    this.#told('closed');
  }

  count(call: string): number {
    return this.calls.filter((one) => one === call).length;
  }

  /** Resolves once `done` holds. */
  until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.after;
      this.after = (call) => {
        before(call);
        if (done()) resolve();
      };
    });
  }

  #told(call: string): void {
    this.calls.push(call);
    this.after(call);
  }
}

export interface Pair {
  readonly listener: TcpListener;
  readonly client: Recorder;
  readonly server: Recorder;
}

/** Two ends of one connection inside the twin. */
export async function connectedPair(twin: Twin, keep = true): Promise<Pair> {
  let accept = (_socket: TcpSocket): void => undefined;
  const accepted = new Promise<Recorder>((resolve) => {
    accept = (socket) => resolve(new Recorder(socket, keep));
  });
  const listener = await twin.world.tcp.listen({ host: twin.host, port: 0 }, (socket) => accept(socket));
  const client = new Recorder(await twin.settle(twin.world.tcp.connect(listener.address)), keep);
  const server = await twin.settle(accepted);
  return { listener, client, server };
}
