import { RuntimeError } from '../errors.js';
import type { Ipc, IpcListener, IpcSocket } from '../ipc.js';
import type { VirtualClock } from './clock.js';
import type { SimulatedHost } from './host.js';
import { SimulatedNetwork } from './network.js';

const LOOPBACK = '127.0.0.1';

/** Socket files of one machine in memory. What they carry goes over a network of its own, so it disturbs no other draw. */
export class SimulatedIpc implements Ipc {
  readonly #host: SimulatedHost;
  readonly #ports = new Map<string, number>();

  constructor(clock: VirtualClock) {
    this.#host = new SimulatedNetwork({ clock, seed: 'ipc' }).host(LOOPBACK);
  }

  async connect(path: string): Promise<IpcSocket> {
    const port = this.#ports.get(path);
    if (port === undefined) {
      throw new RuntimeError('ERR_RUNTIME_CONNECT', `cannot connect to ${path}: no such file`, {
        detail: 'ENOENT',
      });
    }
    return this.#host.connect({ host: LOOPBACK, port });
  }

  async listen(path: string, accepted: (socket: IpcSocket) => void): Promise<IpcListener> {
    if (this.#ports.has(path)) {
      throw new RuntimeError('ERR_RUNTIME_LISTEN', `cannot listen at ${path}: another process does`, {
        detail: 'EADDRINUSE',
      });
    }
    this.#ports.set(path, -1); // taken from now on, so that of two who ask at once one is refused
    const listener = await this.#host.listen({ host: LOOPBACK, port: 0 }, accepted);
    const { port } = listener.address;
    this.#ports.set(path, port);
    return {
      close: async () => {
        if (this.#ports.get(path) === port) this.#ports.delete(path);
        await listener.close();
      },
    };
  }

  /** The process that listened at the path is gone, without closing: the next one may listen there. */
  crash(path: string): void {
    this.#ports.delete(path);
  }
}
