import { RuntimeError, realWorld, type World } from '../runtime/index.js';
import { datadirPaths } from './datadir.js';
import type { Json } from './json.js';
import { callRpc } from './rpc/index.js';

/** Where a node runs that is asked something. */
export interface LocalNode {
  readonly datadir: string;
  /** The outside world; the real one. */
  readonly world?: Pick<World, 'ipc' | 'clock'> | undefined;
}

/**
 * Asks the node that runs in a datadir.
 * @returns undefined where none answers. @throws RpcError, RuntimeError ERR_RUNTIME_CONNECT
 */
export async function askNode(
  { datadir, world = realWorld() }: LocalNode,
  method: string,
  params: readonly Json[],
): Promise<Json | undefined> {
  const { ipc, clock } = world;
  try {
    return await callRpc({ path: datadirPaths(datadir).socket, method, params, ipc, clock });
  } catch (error) {
    const nobody = error instanceof RuntimeError && NOBODY.has(error.detail ?? '');
    if (nobody) return undefined;
    throw error;
  }
}

const NOBODY: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED']);
