import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { command, rlpxdOk, startDaemon } from './support/daemon.js';
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

/** The tests of the tool's eth suite that need no transactions. */
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
];

test('geth’s conformance suite passes, as far as it needs no transactions', async () => {
  const chain = conformanceChain();
  const geth = await startGeth({ chain });
  const datadir = temporaryFolder();
  await rlpxdOk(['pull', geth.enode, '--genesis', chain.genesis, '--datadir', datadir]);
  await geth.process.stop();
  const daemon = await startDaemon({ genesis: chain.genesis, datadir });
  const done = await command(built('devp2p'), [
    ...['rlpx', 'eth-test', '--tap', '--run', `^(${suite.join('|')})$`],
    ...['--node', daemon.enode, '--chain', dirname(chain.chain)],
    // The tests chosen here call no engine.
    ...['--engineapi', 'http://127.0.0.1:9', '--jwtsecret', `0x${'00'.repeat(32)}`],
  ]);
  const verdicts = done.stdout.split('\n').filter((line) => /^(not )?ok /.test(line));
  expect(verdicts, done.stdout).toEqual(suite.map((name, i) => `ok ${i + 1} ${name}`));
  expect(done.code).toBe(0);
});
