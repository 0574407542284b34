import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { command, rlpxdOk, startDaemon } from './support/daemon.js';
import { startEngineStub } from './support/engine-stub.js';
import { startGeth } from './support/geth.js';
import { built, conformanceChain, demoChain, temporaryFolder } from './support/places.js';

test('geth’s own devp2p tool reads our Hello', async () => {
  const daemon = await startDaemon({ genesis: demoChain.genesis });
  const done = await command(built('devp2p'), ['rlpx', 'ping', daemon.enode]);
  expect(done.stderr).toBe('');
  expect(done.code).toBe(0);
  expect(done.stdout).toMatch(/Version:5 Name:rlpxd\/v/);
  for (const version of [69, 70, 71, 72]) expect(done.stdout).toContain(`eth/${version}`);
});

/** All tests of the tool's eth suite, in its order. */
const suite = [
  'Status',
  'MaliciousHandshake',
  'BlockRangeUpdateExpired',
  'BlockRangeUpdateFuture',
  'BlockRangeUpdateInvalid',
  'GetBlockHeaders',
  'GetNonexistentBlockHeaders',
  'SimultaneousRequests',
  'SameRequestID',
  'ZeroRequestID',
  'GetBlockBodies',
  'GetReceipts',
  'GetLargeReceipts',
  'LargeTxRequest',
  'Transaction',
  'InvalidTxs',
  'NewPooledTxs',
  'BlobViolations',
  'TestBlobTxWithoutSidecar',
  'TestBlobTxWithMismatchedSidecar',
];

test('geth’s conformance suite passes whole, twice: the second time against a daemon with an empty pool', async () => {
  const chain = conformanceChain();
  const geth = await startGeth({ chain });
  const datadir = temporaryFolder();
  await rlpxdOk(['pull', geth.enode, '--genesis', chain.genesis, '--datadir', datadir]);
  await geth.process.stop();
  const engine = await startEngineStub();
  try {
    // the tool sends the same transactions each time: a pool that has them passes on nothing
    for (const round of ['first', 'second']) {
      const daemon = await startDaemon({ genesis: chain.genesis, datadir, more: ['--tx', 'relay'] });
      const done = await command(built('devp2p'), [
        ...['rlpx', 'eth-test', '--tap', '--node', daemon.enode, '--chain', dirname(chain.chain)],
        ...['--engineapi', engine.url, '--jwtsecret', `0x${'00'.repeat(32)}`],
      ]);
      const verdicts = done.stdout.split('\n').filter((line) => /^(not )?ok /.test(line));
      const all = suite.map((name, i) => `ok ${i + 1} ${name}`);
      expect(verdicts, `${round} round: ${done.stdout}`).toEqual(all);
      expect(done.code).toBe(0);
      expect(await daemon.process.stop()).toBe(0);
    }
  } finally {
    engine.close();
  }
  // one call before each of the seven tests about transactions, to tell the client that it is at the head of the chain
  expect(engine.calls).toBeGreaterThan(0);
});
