import { describe, expect, test } from 'vitest';
import { hexToBytes } from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import { decodeHeader, headerHash, receiptsRoot } from '../../src/eth/index.js';
import { startGeth } from './support/geth.js';
import { withSession } from './support/library.js';
import { demoChain } from './support/places.js';

describe.each([69, 70, 71, 72] as const)('eth/%i: a session of the library with geth', (version) => {
  test('ten pings are answered, and typed requests too', async () => {
    const geth = await startGeth({ chain: demoChain, eth: [version] });
    await withSession(demoChain, geth.enode, version, async (session) => {
      expect(session.eth.version).toBe(version);
      expect(session.eth.remoteStatus).toMatchObject({ version, latest: BigInt(demoChain.head) });
      for (let i = 0; i < 10; i++) expect(await session.ping()).toBeGreaterThan(0);

      const head = hexToBytes(demoChain.headHash);
      const headers = await session.eth.getBlockHeaders({
        origin: head,
        amount: 30,
        skip: 1n,
        reverse: true,
      });
      expect(headers).toHaveLength(30);
      expect(headers.map((raw) => decodeHeader(raw).number)).toEqual(
        Array.from({ length: 30 }, (_, i) => BigInt(demoChain.head - 2 * i)),
      );
      const hashes = headers.map((raw) => headerHash(raw, nobleCrypto));
      const receipts = await session.eth.getReceipts(hashes);
      expect(receipts.map((list) => receiptsRoot(list, nobleCrypto))).toEqual(
        headers.map((raw) => decodeHeader(raw).receiptsRoot),
      );
    });
  });
});
