import { beforeAll, describe, expect, test } from 'vitest';
import { rlpxdOk, startDaemon } from './support/daemon.js';
import { gethPeer, startGeth, until } from './support/geth.js';
import type { Line } from './support/lines.js';
import { conformanceChain, demoAmsterdam, demoChain, temporaryFolder } from './support/places.js';
import { ScriptPeer } from './support/script-peer.js';

const versions = [69, 70, 71, 72];
const conformance = conformanceChain();

/** Receipts of this block of the conformance chain take more than the 10 MiB that a message may have. */
const hugeBlock = 11;

let conformanceStore = '';
let demoStore = '';

beforeAll(async () => {
  const geth = await startGeth({ chain: conformance });
  conformanceStore = temporaryFolder();
  await rlpxdOk(['pull', geth.enode, '--genesis', conformance.genesis, '--datadir', conformanceStore]);
  await geth.process.stop();
  demoStore = temporaryFolder();
  const files = [
    '--receipts',
    demoChain.receipts ?? '',
    '--genesis',
    demoChain.genesis,
    '--datadir',
    demoStore,
  ];
  await rlpxdOk(['import', demoChain.chain, ...files]);
});

describe.each(versions)('eth/%i: geth’s packet types pull from us', (version) => {
  test('the whole conformance chain', async () => {
    const daemon = await startDaemon({ genesis: conformance.genesis, datadir: conformanceStore });
    const peer = new ScriptPeer({ dial: daemon.enode, eth: [version], chain: conformance });
    await peer.status();
    // One block's receipts cannot be divided before eth/70, and we send no message beyond 10 MiB.
    const result = await peer.do('pull', version < 70 ? { without: [hugeBlock] } : {});
    expect(result).toMatchObject({ blocks: conformance.head, accessLists: 0 });
    if (version >= 70) {
      expect(result.receipts).toBe(603);
      expect(result.partial).toBeGreaterThan(0);
    } else {
      expect(result.receipts).toBe(603 - 56);
    }
  });

  test('the whole demonstration chain, receipts and headers only as far as stored', async () => {
    const daemon = await startDaemon({ genesis: demoChain.genesis, datadir: demoStore });
    const peer = new ScriptPeer({ dial: daemon.enode, eth: [version] });
    await peer.status();
    const { numbers } = await peer.do('headers', { origin: 1, amount: 1024 });
    expect(numbers).toEqual(Array.from({ length: demoChain.head }, (_, i) => i + 1));
  });
});

/** Requests for headers whose answers are easily got wrong. */
const queries: readonly Line[] = [
  { origin: 0, amount: 1 },
  { origin: 0, amount: 5, reverse: true },
  { origin: 5, amount: 0 },
  { origin: `0x${demoChain.headHash}`, amount: 0 },
  { origin: 10, amount: 3, skip: 1 },
  { origin: 10, amount: 20, reverse: true },
  { origin: 10, amount: 20, skip: 3, reverse: true },
  { origin: 558, amount: 10 },
  { origin: 559, amount: 10, skip: 100 },
  { origin: 561, amount: 3 },
  { origin: '18446744073709551615', amount: 1 },
  { origin: 1, amount: 2000 },
  { origin: `0x${demoChain.headHash}`, amount: 3 },
  { origin: `0x${demoChain.headHash}`, amount: 3, reverse: true },
  { origin: `0x${demoChain.headHash}`, amount: 4, skip: 50, reverse: true },
  { origin: `0x${demoChain.genesisHash}`, amount: 4, skip: 150 },
  { origin: `0x${'77'.repeat(32)}`, amount: 4 },
  // The next number overflows 64 bits: only the origin can be answered.
  { origin: 5, amount: 3, skip: '18446744073709551615' },
  { origin: 5, amount: 3, skip: '18446744073709551615', reverse: true },
  { origin: 5, amount: 3, skip: '18446744073709551614' },
  { origin: `0x${demoChain.headHash}`, amount: 3, skip: '18446744073709551615' },
  { origin: `0x${demoChain.headHash}`, amount: 3, skip: '18446744073709551614' },
  { origin: `0x${demoChain.headHash}`, amount: 3, skip: '18446744073709551615', reverse: true },
];

describe('answers that geth gives, too', () => {
  test('headers by number and hash, skip, reverse, amount 0, overflow', async () => {
    const geth = await startGeth({ chain: demoChain });
    const daemon = await startDaemon({ genesis: demoChain.genesis, datadir: demoStore });
    const ask = new ScriptPeer({ dial: geth.enode });
    const askUs = new ScriptPeer({ dial: daemon.enode });
    await Promise.all([ask.status(), askUs.status()]);
    for (const query of queries) {
      const theirs = await ask.do('headers', query);
      const ours = await askUs.do('headers', query);
      expect(ours.numbers, JSON.stringify(query)).toEqual(theirs.numbers);
      expect(ours.hashes, JSON.stringify(query)).toEqual(theirs.hashes);
    }
  });

  test('an unknown hash ends the answer for bodies and receipts, and is a gap among access lists', async () => {
    const geth = await startGeth({ chain: demoChain });
    const daemon = await startDaemon({ genesis: demoChain.genesis, datadir: demoStore });
    const ask = new ScriptPeer({ dial: geth.enode });
    const askUs = new ScriptPeer({ dial: daemon.enode });
    await Promise.all([ask.status(), askUs.status()]);
    const { hashes } = await ask.do('headers', { origin: demoAmsterdam - 2, amount: 4 });
    const known = hashes as string[];
    const mixed = [...known.slice(0, 3), `0x${'99'.repeat(32)}`, ...known.slice(3)];
    for (const op of ['bodies', 'receipts']) {
      for (const list of [known, mixed, [], [mixed[3]]]) {
        const { event: _, ...theirs } = await ask.do(op, { hashes: list });
        const { event: __, ...ours } = await askUs.do(op, { hashes: list });
        expect(ours, `${op} of ${list.length}`).toEqual(theirs);
      }
    }
    // The receipts of one block from some index on.
    for (const first of [0, 1, 1000]) {
      const theirs = await ask.do('receipts', { hashes: [known[0]], first });
      const ours = await askUs.do('receipts', { hashes: [known[0]], first });
      expect(ours, `receipts from ${first}`).toEqual(theirs);
    }
  });
});

test('a whole geth, told only the hash of the head, syncs the chain from us and executes it', async () => {
  const geth = await startGeth({ chain: demoChain, blocks: 0 });
  const daemon = await startDaemon({ genesis: demoChain.genesis, datadir: demoStore });
  await geth.call('admin_addPeer', daemon.enode);
  await gethPeer(geth, daemon.id);
  await geth.call('debug_sync', `0x${demoChain.headHash}`);
  await until('geth at the head', async () => {
    const head = await geth.call<string>('eth_blockNumber');
    return Number(head) === demoChain.head ? true : undefined;
  });
  const block = await geth.call<{ hash: string }>('eth_getBlockByNumber', 'latest', false);
  expect(block.hash).toBe(`0x${demoChain.headHash}`);
});
