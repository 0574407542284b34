export type RuntimeErrorCode =
  | 'ERR_RUNTIME_ABORTED'
  | 'ERR_RUNTIME_CONNECT'
  | 'ERR_RUNTIME_LISTEN'
  | 'ERR_RUNTIME_DNS'
  | 'ERR_RUNTIME_FILE'
  | 'ERR_RUNTIME_STORE'
  | 'ERR_RUNTIME_STORE_BUSY'
  | 'ERR_RUNTIME_WEB'
  | 'ERR_RUNTIME_WORKER'
  | 'ERR_RUNTIME_NODE_VERSION';

/** The outside world failed or was called off. `detail` is the system's own word where it has one (`ECONNREFUSED`). */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
  readonly code: RuntimeErrorCode;
  readonly detail: string | undefined;

  constructor(
    code: RuntimeErrorCode,
    message: string,
    options?: { detail?: string | undefined; cause?: unknown },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options?.detail;
  }
}
