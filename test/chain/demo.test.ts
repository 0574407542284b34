import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkChain, exportChain, importChain, openChainStore } from '../../src/chain/index.js';
import { nobleCrypto as hasher } from '../../src/crypto/index.js';
import { chainFromGenesis } from '../../src/eth/index.js';
import { SimulatedFiles, SimulatedStores } from '../../src/runtime/index.js';

const demo = join(import.meta.dirname, '..', '..', 'demo');

test('the demonstration chain, made by go-ethereum, goes in, verifies, and comes out byte for byte', async () => {
  expect(existsSync(join(demo, 'chain.rlp'))).toBe(true);
  const files = new SimulatedFiles();
  for (const name of ['chain.rlp', 'receipts.rlp']) {
    await files.writeWhole(`/${name}`, await readFile(join(demo, name)));
  }
  const chain = chainFromGenesis(await readFile(join(demo, 'genesis.json'), 'utf8'), hasher);
  const store = await openChainStore({ stores: new SimulatedStores(), path: '/c', hasher, chain });
  const result = await importChain(store, files, '/chain.rlp', { receiptsPath: '/receipts.rlp' });
  expect(result).toMatchObject({ head: 560n, blocks: 560 });
  expect(await checkChain(store)).toMatchObject({
    head: 560n,
    blocks: 561,
    accessLists: 40,
    accessListsMissing: 0,
  });
  await exportChain(store, files, '/out.rlp');
  expect(Buffer.from(await files.read('/out.rlp')).equals(await readFile(join(demo, 'chain.rlp')))).toBe(
    true,
  );
});
