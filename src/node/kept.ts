import { ChainError, type ChainStore } from '../chain/index.js';
import { RuntimeError } from '../runtime/index.js';

/** What to do about a store that is damaged, for whoever reads the message. */
export function withMend(error: unknown, storePath: string): unknown {
  const mend = `remove the folder ${storePath} and copy the chain again; the node key is not in it`;
  if (error instanceof ChainError && error.code === 'ERR_CHAIN_DAMAGED') {
    return new ChainError(error.code, `${error.message}; ${mend}`, { cause: error });
  }
  // LevelDB's word for files that do not fit together
  if (error instanceof RuntimeError && /\bCorruption: /.test(error.message)) {
    return new RuntimeError(error.code, `${error.message}; ${mend}`, { detail: error.detail, cause: error });
  }
  return error;
}

/** An error of the disk in the middle of a work on the store, with the word of what it has kept. Other errors as they are. */
export function withKept(error: unknown, store: ChainStore): unknown {
  if (!(error instanceof RuntimeError) || error.code !== 'ERR_RUNTIME_STORE') return error;
  const says = `${error.message} (stored: up to block ${store.range().latest})`;
  return new RuntimeError(error.code, says, { detail: error.detail, cause: error });
}
