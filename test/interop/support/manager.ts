import { readFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { type ChainStore, serveRequest } from '../../../src/chain/index.js';
import type { EthResponse } from '../../../src/eth/index.js';
import { chooseCrypto, createNode, formatEnode, realWorld } from '../../../src/index.js';
import { chainStatus } from '../../../src/node/status-provider.js';
import { SessionManager, type SessionManagerOptions } from '../../../src/session/index.js';

/** A session manager on loopback that serves a stored chain, as `createNode` puts one together, and what a test adds. */
export interface ManagerOnLoopback {
  readonly manager: SessionManager;
  readonly enode: string;
}

export interface ManagerOptions extends Pick<SessionManagerOptions, 'gossip'> {
  /** Holds the chain; or a chain of its genesis alone. */
  readonly datadir?: string | undefined;
  readonly genesis?: string | undefined;
  /** Awaited before each answer. */
  readonly beforeAnswer?: () => Promise<void>;
}

/** It is closed after the test, and its store too. */
export async function managerOnLoopback(options: ManagerOptions): Promise<ManagerOnLoopback> {
  const { datadir, genesis, beforeAnswer, ...more } = options;
  const { store, close } = await storeOf({ datadir, genesis });
  const [world, crypto] = [realWorld(), chooseCrypto()];
  const manager = new SessionManager({
    ...more,
    world,
    crypto,
    secretKey: world.random.bytes(32),
    clientId: 'rlpxd/interop',
    status: chainStatus(store),
    serve: async (request, { eth }, { signal }) => {
      await beforeAnswer?.();
      const tools = { signal, hasher: crypto, clock: world.clock };
      return (await serveRequest(store, request, eth.version, tools)) as EthResponse;
    },
  });
  onTestFinished(async () => {
    await manager.close();
    await close();
  });
  const { host, port } = await manager.listen({ host: '127.0.0.1', port: 0 });
  return { manager, enode: formatEnode({ publicKey: manager.publicKey, host, port, discoveryPort: port }) };
}

async function storeOf({ datadir, genesis }: Pick<ManagerOptions, 'datadir' | 'genesis'>): Promise<{
  readonly store: ChainStore;
  close(): Promise<void>;
}> {
  const chain = genesis === undefined ? undefined : readFileSync(genesis, 'utf8');
  const node = await createNode({ datadir, chain });
  return { store: node.store, close: () => node.close() };
}
