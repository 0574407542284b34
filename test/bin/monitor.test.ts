import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { prefixedHex } from '../../src/codec/index.js';
import { Cli, ensureBuilt, rlpxd, temporaryFolder } from '../support/bin-cli.js';
import { signed, TransactionTown } from '../support/node-transactions.js';

const script = fileURLToPath(new URL('../../examples/monitor.mjs', import.meta.url));

beforeAll(ensureBuilt, 60_000);

test('the monitor of the examples prints what a peer sends, and that it is good', async () => {
  expect(readFileSync(script, 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(35);
  const folder = temporaryFolder();
  const genesis = join(folder, 'genesis.json');
  writeFileSync(genesis, TransactionTown.genesis());
  const datadir = join(folder, 'sender');
  const where = ['--addr', '127.0.0.1', '--port', '0', '--log', 'json'];
  const sender = new Cli(['run', '--datadir', datadir, '--genesis', genesis, ...where]);
  const monitor = new Cli([genesis, await sender.enode()], { script });
  await sender.event('session.active');
  const own = signed();
  const sent = await rlpxd(['send', prefixedHex(own.network), '--datadir', datadir, '--wait', '0']);
  expect(sent.code).toBe(0);
  const hash = prefixedHex(own.hash);
  await monitor.until(({ stdout }) => (stdout.includes(`good  ${hash} from 0x`) ? true : undefined));
  await monitor.until(({ stdout }) =>
    stdout.includes(`seen  ${hash} of type 2, ${own.bytes} bytes, from 1\n`) ? true : undefined,
  );
  monitor.child.kill('SIGINT');
  expect(await monitor.done).toMatchObject({ code: 0, stderr: '' });
}, 60_000);
