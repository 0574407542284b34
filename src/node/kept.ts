import type { ChainStore } from '../chain/index.js';
import { RuntimeError } from '../runtime/index.js';

/** An error of the disk in the middle of a work on the store, with the word of what it has kept. Other errors as they are. */
export function withKept(error: unknown, store: ChainStore): unknown {
  if (!(error instanceof RuntimeError) || error.code !== 'ERR_RUNTIME_STORE') return error;
  const says = `${error.message} (stored: up to block ${store.range().latest})`;
  return new RuntimeError(error.code, says, { detail: error.detail, cause: error });
}
