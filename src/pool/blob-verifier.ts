import type { Workers, WorkerTask, WorkerThread } from '../runtime/index.js';
import { PoolError } from './errors.js';
import type { KzgJob } from './kzg.js';
import { BLOB_BYTES } from './limits.js';
import type { BlobSidecar } from './sidecar.js';

/** Bytes of blobs that may wait for the thread: a few seconds of its work. */
export const MAX_WAITING_BLOB_BYTES: number = 64 * BLOB_BYTES;

export interface BlobVerifierOptions {
  readonly workers: Workers;
  /** Default 8 MiB. What is beyond is refused at once. */
  readonly maxWaitingBytes?: number | undefined;
}

export interface BlobJobOptions {
  /** Calls it off: at once, and where it still waits, it is never done. */
  readonly signal?: AbortSignal | undefined;
}

interface Job {
  readonly job: KzgJob;
  readonly bytes: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Lets go of the signal. */
  readonly ended: () => void;
}

/**
 * Cryptography over blobs, in a thread of its own that is started when it is first needed: one job at a time, in the order of
 * asking, a bounded number of bytes waiting. A thread that breaks takes its job with it; the next job gets a new one.
 */
export class BlobVerifier {
  readonly #workers: Workers;
  readonly #maxWaitingBytes: number;
  readonly #waiting: Job[] = [];
  #waitingBytes = 0;
  #running = false;
  #thread: WorkerThread | undefined;
  #closed = false;

  constructor({ workers, maxWaitingBytes = MAX_WAITING_BLOB_BYTES }: BlobVerifierOptions) {
    this.#workers = workers;
    this.#maxWaitingBytes = maxWaitingBytes;
  }

  /** Of jobs that wait or are under way. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /**
   * Whether the blobs are those of the commitments, by the proofs that came with them. The first blob that fails ends it.
   * @throws PoolError ERR_POOL_VERIFIER where it cannot be found out (too much waits, closed, the thread broke);
   * the reason of the signal
   */
  async verify(sidecar: BlobSidecar, options: BlobJobOptions = {}): Promise<boolean> {
    if (sidecar.blobs.length !== sidecar.commitments.length)
      throw new PoolError('ERR_POOL_ARGUMENT', 'a sidecar without its blobs cannot be verified');
    const bytes = sidecar.blobs.length * BLOB_BYTES;
    return (await this.#ask({ verify: sidecar }, bytes, options.signal)) === true;
  }

  /**
   * The 128 cells of a blob (EIP-7594), one after the other: 262,144 bytes, of which the first half is the blob.
   * @throws as `verify`
   */
  async extend(blob: Uint8Array, options: BlobJobOptions = {}): Promise<Uint8Array> {
    const cells = await this.#ask({ extend: blob }, BLOB_BYTES, options.signal);
    if (cells instanceof Uint8Array && cells.length === 2 * BLOB_BYTES) return cells;
    throw verifierFault('the thread gave no cells');
  }

  /** Ends the thread; what is under way and what waits rejects. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const thread = this.#thread;
    this.#thread = undefined;
    for (const job of this.#waiting.splice(0)) this.#end(job, () => job.reject(closedFault()));
    await thread?.close();
  }

  #ask(job: KzgJob, bytes: number, signal: AbortSignal | undefined): Promise<unknown> {
    if (this.#closed) return Promise.reject(closedFault());
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#waitingBytes + bytes > this.#maxWaitingBytes)
      return Promise.reject(verifierFault(`${this.#waitingBytes} bytes of blobs wait already`));
    return new Promise((resolve, reject) => {
      const callOff = (): void => this.#callOff(own, signal?.reason);
      const ended = (): void => signal?.removeEventListener('abort', callOff);
      const own: Job = { job, bytes, resolve, reject, ended };
      signal?.addEventListener('abort', callOff, { once: true });
      this.#waitingBytes += bytes;
      this.#waiting.push(own);
      this.#next();
    });
  }

  /** What is under way goes on, since a thread cannot be interrupted; only nobody waits for it any more. */
  #callOff(job: Job, reason: unknown): void {
    const at = this.#waiting.indexOf(job);
    if (at < 0) {
      job.reject(reason);
    } else {
      this.#waiting.splice(at, 1);
      this.#end(job, () => job.reject(reason));
    }
  }

  #next(): void {
    if (this.#running) return;
    const job = this.#waiting.shift();
    if (job === undefined) return;
    this.#running = true;
    void this.#run(job);
  }

  async #run(job: Job): Promise<void> {
    try {
      this.#thread ??= this.#workers.start(kzgTask);
      const result = await this.#thread.perform(job.job);
      this.#end(job, () => job.resolve(result));
    } catch (error) {
      const broken = this.#thread;
      this.#thread = undefined;
      void broken?.close();
      this.#end(job, () =>
        job.reject(this.#closed ? closedFault() : verifierFault('the thread broke', error)),
      );
    }
    this.#running = false;
    this.#next();
  }

  #end(job: Job, settle: () => void): void {
    this.#waitingBytes -= job.bytes;
    job.ended();
    settle();
  }
}

/** Beside this module once it is compiled. */
export const kzgTask: WorkerTask = {
  url: new URL('./kzg.js', import.meta.url),
  load: () => import('./kzg.js'),
};

function closedFault(): PoolError {
  return verifierFault('the verifier is closed');
}

function verifierFault(says: string, cause?: unknown): PoolError {
  return new PoolError('ERR_POOL_VERIFIER', `proofs of blobs: ${says}`, { cause });
}
