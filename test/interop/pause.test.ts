import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ethProtocol } from '../../src/eth/index.js';
import type { Session } from '../../src/session/index.js';
import { item } from '../support/rows-town.js';
import { idOf, rlpxdOk } from './support/daemon.js';
import { type Geth, gethPeer, startGeth, until } from './support/geth.js';
import { type ManagerOnLoopback, managerOnLoopback } from './support/manager.js';
import { demoChain, temporaryFolder } from './support/places.js';
import { ScriptPeer } from './support/script-peer.js';

/** Longer than either side bears silence (30 s), and than two of geth's pings are apart (15 s). */
const PAUSED_MS = 33_000;
/** Of incompressible messages; the kernels of both ends take some megabytes, and we take one. */
const FLOOD = { count: 512, itemBytes: 64 * 1024 };

async function sessionOf({ manager }: ManagerOnLoopback): Promise<Session> {
  return await until('a session', async () => manager.active()[0]);
}

/** What came in and went out while nobody spoke but the base protocols of both ends. */
async function pausedWithGeth(geth: Geth, ours: ManagerOnLoopback): Promise<void> {
  await geth.call('admin_addPeer', ours.enode);
  const seen = await gethPeer(geth, idOf(ours.enode));
  const session = await sessionOf(ours);
  session.pause();
  const before = session.describe().counters;
  await sleep(PAUSED_MS);
  const after = session.describe().counters;
  expect(session.state).toBe('paused');
  // geth pinged twice, and was answered twice; whether we had to ping as well depends on whose turn came first
  expect(after.messagesIn - before.messagesIn).toBeGreaterThanOrEqual(2);
  expect(after.messagesOut - before.messagesOut).toBeGreaterThanOrEqual(2);
  expect(after.messagesOut - before.messagesOut).toBeLessThanOrEqual(6);
  expect(await session.ping()).toBeGreaterThan(0); // also while it is paused
  expect(await gethPeer(geth, idOf(ours.enode))).toEqual(seen); // the same connection
  session.resume();
  const query = { origin: 0n, amount: 3, skip: 0n, reverse: false };
  expect(await session.eth.getBlockHeaders(query)).toHaveLength(3);
}

/** Pings are answered as long as we read; what floods us beyond 1 MiB waits with its sender. */
async function pausedWithFlood(ours: ManagerOnLoopback, heard: () => number): Promise<void> {
  const peer = new ScriptPeer({ dial: ours.enode, eth: [72] });
  await peer.status();
  const session = await sessionOf(ours);
  session.pause();
  const { rttMs } = await peer.do('pings', { count: 5 });
  expect(rttMs).toHaveLength(5);

  const transactions = ethProtocol(72).byName.get('Transactions');
  if (transactions === undefined) throw new Error('no Transactions');
  const payload = transactions.encode({ name: 'Transactions', transactions: [item(FLOOD.itemBytes)] });
  const message = { code: transactions.id, payload: `0x${Buffer.from(payload).toString('hex')}` };
  const first = Number((await peer.do('flood', { ...message, count: FLOOD.count, ms: 2_000 })).written);
  expect(first).toBeLessThan(FLOOD.count);
  const taken = session.describe().counters.bytesIn;
  expect(taken).toBeGreaterThan(1024 * 1024);
  expect(taken).toBeLessThan(2 * 1024 * 1024);

  await sleep(PAUSED_MS - 4_000);
  // nobody has moved, and nobody has lost patience: it is we who do not read
  expect(session.state).toBe('paused');
  expect(session.describe().counters.bytesIn).toBe(taken);
  expect(await peer.do('flood', { ms: 100 })).toMatchObject({ written: first });
  expect(heard()).toBe(0);

  session.resume();
  await until('the whole flood', async () => heard() === FLOOD.count || undefined);
  expect(await peer.do('flood', { ms: 0 })).toMatchObject({ written: FLOOD.count });
  expect((await peer.do('pings', { count: 3 })).rttMs).toHaveLength(3);
}

test('a paused session outlives silence and answers geth’s pings; a flood waits with its sender and is lost to nobody', async () => {
  const full = temporaryFolder();
  const files = ['--receipts', demoChain.receipts ?? '', '--genesis', demoChain.genesis, '--datadir', full];
  await rlpxdOk(['import', demoChain.chain, ...files]);
  const geth = await startGeth({ chain: demoChain });
  let heard = 0;
  const [quiet, flooded] = [
    await managerOnLoopback({ datadir: full }),
    await managerOnLoopback({ genesis: demoChain.genesis, gossip: () => void heard++ }),
  ];
  await Promise.all([pausedWithGeth(geth, quiet), pausedWithFlood(flooded, () => heard)]);
}, 90_000);
