import { readFileSync } from 'node:fs';
import { createNode, type Session } from '../../../src/index.js';
import type { ChainFiles } from './places.js';

/** Dials with a node made of the library, and hands over the active session; the node is closed afterwards. */
export async function withSession<T>(
  chain: Pick<ChainFiles, 'genesis'>,
  enode: string,
  version: 68 | 69 | 70 | 71 | 72,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const node = await createNode({
    chain: JSON.parse(readFileSync(chain.genesis, 'utf8')),
    ethVersions: [version],
  });
  try {
    return await use(await node.dial(enode).active);
  } finally {
    await node.close();
  }
}
