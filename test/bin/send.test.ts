import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { bytesToHex, prefixedHex } from '../../src/codec/index.js';
import { Cli, ensureBuilt, rlpxd, temporaryFolder } from '../support/bin-cli.js';
import { CHAIN_ID, signed, TransactionTown } from '../support/node-transactions.js';

beforeAll(ensureBuilt, 120_000);

/** The demonstration chain under the chain id of the transactions. */
function genesis(folder: string): string {
  const path = join(folder, 'genesis.json');
  writeFileSync(path, TransactionTown.genesis());
  return path;
}

async function daemon(folder: string, name: string, more: readonly string[] = []) {
  const datadir = join(folder, name);
  const where = ['--addr', '127.0.0.1', '--port', '0', '--netrestrict', '127.0.0.0/8'];
  const cli = new Cli(
    [
      ...['run', '--datadir', datadir, '--genesis', genesis(folder)],
      ...[...where, '--log', 'json', '--loglevel', 'debug', ...more],
    ],
    { timeoutMs: 60_000 },
  );
  return { cli, datadir, enode: await cli.enode() };
}

test('a transaction goes from one daemon through another to a third, and the report says what the peer did', async () => {
  const folder = temporaryFolder();
  const relay = await daemon(folder, 'relay', ['--tx', 'relay', '--status', '1s']);
  const watching = await daemon(folder, 'watching', ['--peer', relay.enode]);
  const sending = await daemon(folder, 'sending', ['--peer', relay.enode]);
  for (const { cli } of [watching, sending]) await cli.event('session.active');
  const watch = new Cli(['watch', '--transactions', '--json', '--datadir', watching.datadir]);
  const [one, two] = [signed({ nonce: 0 }), signed({ nonce: 1 })];
  await watch.until(({ stderr }) => stderr.includes('rlpxd: watching transactions\n') || undefined);
  const args = ['send', prefixedHex(one.network), bytesToHex(two.network)];
  const sent = await rlpxd([...args, '--datadir', sending.datadir, '--wait', '500ms', '--json']);
  expect(sent.stderr).toBe('');
  expect(sent.code).toBe(0);
  const reports = sent.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(reports.map(({ hash }) => hash)).toEqual([one, two].map(({ hash }) => prefixedHex(hash)));
  for (const { peers } of reports) {
    expect(peers).toEqual([
      {
        nodeId: expect.stringMatching(/^0x[0-9a-f]{64}$/),
        sent: true,
        announced: false,
        askedFor: false,
        seenBack: false,
      },
    ]);
  }
  const seen = await watch.until(({ stdout }) => {
    const lines = stdout.trim().split('\n');
    return lines.length >= 2 && lines[0] !== '' ? lines.map((line) => JSON.parse(line)) : undefined;
  });
  expect(seen.slice(0, 2)).toEqual(
    [one, two].map(({ hash, bytes }) => ({
      ...{ hash: prefixedHex(hash), type: 2, bytes, peers: 1 },
      firstSeenMs: expect.any(Number),
    })),
  );
  watch.child.kill('SIGINT');
  expect((await watch.done).code).toBe(0);
  const status = await relay.cli.until(({ log }) =>
    log.find(
      ({ event, transactions }) => event === 'status' && (transactions as { seen: number }).seen === 2,
    ),
  );
  expect(status.transactions).toMatchObject({ seen: 2, pooled: 2, relayed: 2, refused: 0 });
  expect(status.msg).toMatch(/2 transactions seen/);
}, 60_000);

test('what is wrong with a transaction is one line and exit code 1; what is no hex, 2', async () => {
  const folder = temporaryFolder();
  const node = await daemon(folder, 'node');
  const send = (...words: string[]) => rlpxd(['send', ...words, '--datadir', node.datadir, '--wait', '0']);
  const wrong = await send(prefixedHex(signed({ chainId: 7n }).network));
  expect([wrong.code, wrong.stdout]).toEqual([1, '']);
  expect(wrong.stderr).toBe(`rlpxd: transaction: chain 7 where chain ${CHAIN_ID} is meant\n`);
  const twice = await send(bytesToHex(signed().network), '02c0');
  expect(twice.code).toBe(1);
  expect(twice.stdout).toMatch(/^0x[0-9a-f]{64} {2}0 peers: sent to 0, announced to 0;/);
  expect(twice.stderr.split('\n')).toEqual([
    expect.stringMatching(/^rlpxd: not taken: /),
    'rlpxd: 1 of 2 transactions not taken',
    '',
  ]);
  const noHex = await send('0xzz');
  expect([noHex.code, noHex.stderr]).toEqual([2, 'rlpxd: transaction 1 is no hex\n']);
}, 60_000);

test('without a node, or with one that does not look at transactions, that is said', async () => {
  const folder = temporaryFolder();
  const nobody = await rlpxd(['send', '02c0', '--datadir', folder]);
  expect([nobody.code, nobody.stderr]).toEqual([1, `rlpxd: no node runs in ${folder}\n`]);
  const off = await daemon(folder, 'off', ['--tx', 'off']);
  const raw = bytesToHex(signed().network);
  const refused = await rlpxd(['send', raw, '--datadir', off.datadir]);
  expect([refused.code, refused.stderr]).toEqual([1, 'rlpxd: transactions are off in this node\n']);
  const watch = await rlpxd(['watch', '--datadir', off.datadir]);
  expect([watch.code, watch.stderr]).toEqual([1, 'rlpxd: transactions are off in this node\n']);
}, 60_000);

test('blocks that peers have are shown, until the node is gone', async () => {
  const folder = temporaryFolder();
  const one = await daemon(folder, 'one');
  const watch = new Cli(['watch', '--blocks', '--json', '--datadir', one.datadir]);
  await watch.until(({ stderr }) => stderr.includes('rlpxd: watching blocks\n') || undefined);
  await daemon(folder, 'two', ['--peer', one.enode]);
  const line = await watch.until(({ stdout }) => /^(\{.*\})\n/.exec(stdout)?.[1]);
  expect(JSON.parse(line)).toMatchObject({ number: 0, peers: 1, hash: expect.stringMatching(/^0x/) });
  one.cli.child.kill('SIGTERM');
  expect((await watch.done).code).toBe(1); // the node is gone
}, 60_000);
