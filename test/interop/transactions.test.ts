import { describe, expect, test } from 'vitest';
import { bytesToHex, prefixedHex } from '../../src/codec/index.js';
import { type Daemon, rlpxdOk, startDaemon } from './support/daemon.js';
import { type Geth, gethPeer, startGeth, until } from './support/geth.js';
import { conformanceChain, temporaryFolder } from './support/places.js';
import { keys, oneBlob, pooled, signingBy } from './support/pools.js';
import { blobTransaction, codeTransaction, feeTransaction, legacyTransaction } from './support/signing.js';

const chain = conformanceChain();

/** Two geths at the head of the same chain that know nobody but the rlpxd between them. */
async function between(
  a: { readonly eth: readonly number[] },
  b: { readonly eth: readonly number[] },
): Promise<{ readonly from: Geth; readonly to: Geth; readonly daemon: Daemon }> {
  const [from, to] = [
    await startGeth({ chain, synced: true, ...a }),
    await startGeth({ chain, synced: true, ...b }),
  ];
  const datadir = temporaryFolder();
  await rlpxdOk(['pull', from.enode, '--genesis', chain.genesis, '--datadir', datadir]);
  const peers = [from.enode, to.enode];
  const daemon = await startDaemon({ genesis: chain.genesis, datadir, peers, more: ['--tx', 'relay'] });
  await Promise.all([gethPeer(from, daemon.id), gethPeer(to, daemon.id)]);
  return { from, to, daemon };
}

describe.each([
  ['eth/69', [69]],
  ['eth/70', [70]],
  ['eth/71', [71]],
  ['eth/72', [72]],
] as const)('two geths on %s that know only rlpxd', (_, eth) => {
  test('get each other’s transactions through it: legacy, EIP-1559 and EIP-7702', async () => {
    const { from, to } = await between({ eth }, { eth });
    const accounts = keys();
    const kinds = [legacyTransaction, feeTransaction, codeTransaction];
    for (const [i, kind] of kinds.entries()) {
      const there = kind(await signingBy(from, accounts[i] as Uint8Array));
      await pooled(to, await from.call<string>('eth_sendRawTransaction', prefixedHex(there)));
      const back = kind(await signingBy(to, accounts[i + 3] as Uint8Array));
      await pooled(from, await to.call<string>('eth_sendRawTransaction', prefixedHex(back)));
    }
  });
});

test.each([
  ['eth/71', [71]],
  ['eth/72, which takes the blobs cell by cell', [72]],
] as const)('a blob transaction of a geth on %s reaches one on eth/70', async (_, eth) => {
  const { from, to } = await between({ eth }, { eth: [70] });
  const signing = await signingBy(from, keys()[7] as Uint8Array);
  const raw = blobTransaction(signing, oneBlob());
  const hash = await from.call<string>('eth_sendRawTransaction', prefixedHex(raw));
  expect(await pooled(to, hash)).toMatchObject({ type: '0x3' });
});

test('a geth on eth/72 takes blobs from us cell by cell, and finds nothing to complain of', async () => {
  const { from, to, daemon } = await between({ eth: [70] }, { eth: [72] });
  const hashes: string[] = [];
  for (const key of keys().slice(0, 8)) {
    const raw = blobTransaction(await signingBy(from, key), oneBlob());
    hashes.push(await from.call<string>('eth_sendRawTransaction', prefixedHex(raw)));
  }
  // geth rolls dice: of a single peer it fetches the blobs of some transactions only
  const arrived = async (): Promise<true | undefined> => {
    for (const hash of hashes)
      if ((await to.call<unknown>('eth_getTransactionByHash', hash)) !== null) return true;
    return undefined;
  };
  await until('one of eight blob transactions', arrived, 60_000);
  expect(daemon.process.lines.filter(({ event }) => event === 'session.ended')).toEqual([]);
}, 120_000);

test('what is sent from the command line reaches geths, and what they send is seen', async () => {
  const { from, to, daemon } = await between({ eth: [72] }, { eth: [71] });
  const raw = feeTransaction(await signingBy(from, keys()[0] as Uint8Array));
  const sent = await rlpxdOk([
    'send',
    bytesToHex(raw),
    '--datadir',
    daemon.datadir,
    '--wait',
    '2s',
    '--json',
  ]);
  const report = JSON.parse(sent.stdout) as { hash: string; peers: readonly Record<string, unknown>[] };
  expect(report.peers.map(({ nodeId }) => nodeId).sort()).toEqual(
    [from.id, to.id].map((id) => `0x${id}`).sort(),
  );
  for (const geth of [from, to]) await pooled(geth, report.hash);
});
