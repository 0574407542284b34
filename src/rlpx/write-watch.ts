import type { Clock, Timer } from '../runtime/clock.js';
import type { TcpSocket } from '../runtime/tcp.js';

/** How often progress is looked at, per stall limit: a stall is noticed within a quarter more than the limit. */
const LOOKS_PER_LIMIT = 4;

/** Notices a peer that takes no bytes. Looks only while bytes wait; no timer is made or cancelled per write. */
export class WriteWatch {
  readonly #socket: Pick<TcpSocket, 'pendingBytes' | 'sentBytes'>;
  readonly #clock: Clock;
  readonly #stallMs: number;
  readonly #stalled: () => void;
  readonly #look = (): void => this.#looked();
  #timer: Timer | undefined;
  #sentBytes = 0;
  #progressAtMs = 0;

  constructor(
    socket: Pick<TcpSocket, 'pendingBytes' | 'sentBytes'>,
    clock: Clock,
    stallMs: number,
    stalled: () => void,
  ) {
    this.#socket = socket;
    this.#clock = clock;
    this.#stallMs = stallMs;
    this.#stalled = stalled;
  }

  /** Something was written. */
  wrote(): void {
    if (this.#timer !== undefined || this.#socket.pendingBytes === 0) return;
    this.#sentBytes = this.#socket.sentBytes;
    this.#progressAtMs = this.#clock.now();
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = this.#clock.timer(this.#stallMs / LOOKS_PER_LIMIT, this.#look);
  }

  #looked(): void {
    this.#timer = undefined;
    if (this.#socket.pendingBytes === 0) return;
    const nowMs = this.#clock.now();
    if (this.#socket.sentBytes !== this.#sentBytes) {
      this.#sentBytes = this.#socket.sentBytes;
      this.#progressAtMs = nowMs;
    }
    if (nowMs - this.#progressAtMs >= this.#stallMs) this.#stalled();
    else this.#arm();
  }
}
