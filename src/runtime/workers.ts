/** What a module that works in a thread exports: one job in, one result out. Both can be cloned (bytes, plain objects). */
export interface WorkerModule {
  perform(job: unknown): unknown;
}

/** Work that would hold up the loop for too long. */
export interface WorkerTask {
  /** The module as it stands beside the compiled one that asks for it. */
  readonly url: URL;
  /** Imports the same module, where the work is done without a thread. */
  load(): Promise<WorkerModule>;
}

/** A thread that does one job after the other. */
export interface WorkerThread {
  /** Bytes are copied. @throws RuntimeError ERR_RUNTIME_WORKER where the job failed, or the thread has ended */
  perform(job: unknown): Promise<unknown>;
  /** Ends it at once; what is under way rejects. Idempotent. */
  close(): Promise<void>;
}

/** Threads as the house sees them. They never keep the process alive. */
export interface Workers {
  /** Starts one; what is wrong with it, its first job tells. */
  start(task: WorkerTask): WorkerThread;
}
