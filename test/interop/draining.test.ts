import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { decodeHeader } from '../../src/eth/index.js';
import { DISCONNECT } from '../../src/rlpx/index.js';
import { idOf, rlpxdOk } from './support/daemon.js';
import { type Geth, gethPeer, startGeth, until } from './support/geth.js';
import { type ManagerOnLoopback, managerOnLoopback } from './support/manager.js';
import { demoChain, temporaryFolder } from './support/places.js';
import { ScriptPeer } from './support/script-peer.js';

let full = '';

beforeAll(async () => {
  full = temporaryFolder();
  const files = ['--receipts', demoChain.receipts ?? '', '--genesis', demoChain.genesis, '--datadir', full];
  await rlpxdOk(['import', demoChain.chain, ...files]);
});

const QUITTING = { reason: DISCONNECT.clientQuitting };
const NOTHING = { ours: 0, theirs: 0, messages: 0 };

/** What geth says of the end of its session with us. */
async function gethSays(geth: Geth, { enode }: ManagerOnLoopback): Promise<string> {
  return String((await geth.process.line({ event: 'peer.drop', peer: idOf(enode) })).error);
}

test('what we have asked geth before we close is answered, and then geth reads reason 8', async () => {
  const geth = await startGeth({ chain: demoChain });
  const ours = await managerOnLoopback({ datadir: full });
  await geth.call('admin_addPeer', ours.enode);
  const session = await until('a session', async () => ours.manager.active()[0]);
  const asked = Array.from({ length: 12 }, (_, i) =>
    session.eth.getBlockHeaders({ origin: BigInt(40 * i), amount: 40, skip: 0n, reverse: false }),
  );
  const closed = session.close(QUITTING);
  await expect(session.eth.getBlockBodies([new Uint8Array(32)])).rejects.toMatchObject({
    code: 'ERR_SESSION_NOT_ACTIVE',
  });
  const answers = await Promise.all(asked);
  expect(answers.map((headers) => headers.map((raw) => Number(decodeHeader(raw).number)))).toEqual(
    asked.map((_, i) => Array.from({ length: 40 }, (_, j) => 40 * i + j)),
  );
  const report = await closed;
  expect(report).toMatchObject({ outcome: 'flushed', answered: { ours: 12, theirs: 0 }, abandoned: NOTHING });
  expect(report.cause).toMatchObject({ outcome: 'closed', by: 'local', stage: 'draining', reasonSent: 8 });
  expect(await gethSays(geth, ours)).toBe('client quitting');
});

test('what geth has asked us before we close is answered, and nothing after it', async () => {
  const geth = await startGeth({ chain: demoChain, blocks: 0 });
  let asked = 0;
  let answering = (): void => undefined;
  const maySpeak = new Promise<void>((resolve) => {
    answering = resolve;
  });
  const ours = await managerOnLoopback({
    datadir: full,
    beforeAnswer: () => {
      asked++;
      return maySpeak;
    },
  });
  await geth.call('admin_addPeer', ours.enode);
  await gethPeer(geth, idOf(ours.enode));
  const session = await until('a session', async () => ours.manager.active()[0]);
  // geth knows only the hash, so its first question is about that header; it hangs with us
  geth.call('debug_sync', `0x${demoChain.headHash}`).catch(() => undefined); // answers once it has the header
  await until('a request of geth', async () => asked > 0 || undefined);
  const closed = session.close(QUITTING);
  const { bytesOut } = session.describe().counters;
  await sleep(100);
  expect(session.state).toBe('draining');
  answering();
  const report = await closed;
  // one header of some 600 bytes went out, and geth's next question, about what comes before it, was not served
  expect(report).toMatchObject({ outcome: 'flushed', abandoned: NOTHING });
  expect(report.answered.theirs).toBeGreaterThanOrEqual(asked);
  expect(report.flushed.messages).toBe(report.answered.theirs + 1); // and the Disconnect
  expect(report.cause.counters.bytesOut - bytesOut).toBeGreaterThan(300);
  expect(await gethSays(geth, ours)).toBe('client quitting');
});

test('a peer of geth’s RLPx has its answer before the Disconnect, in the form that geth reads', async () => {
  let asked = 0;
  const ours = await managerOnLoopback({
    datadir: full,
    beforeAnswer: async () => {
      asked++;
      await sleep(50);
    },
  });
  const peer = new ScriptPeer({ dial: ours.enode, eth: [72] });
  await peer.status();
  const session = await until('a session', async () => ours.manager.active()[0]);
  const answered = peer.do('headers', { origin: 5, amount: 3 });
  await until('a request', async () => asked === 1 || undefined);
  const closed = session.close(QUITTING);
  expect(await answered).toMatchObject({ numbers: [5, 6, 7] });
  expect(await peer.disconnect()).toMatchObject({ reason: 8, form: 'list' });
  expect(await closed).toMatchObject({ outcome: 'flushed', answered: { theirs: 1 }, abandoned: NOTHING });
});

test('a deadline cuts draining short: the report says what was abandoned, and reason 8 is read all the same', async () => {
  const ours = await managerOnLoopback({ datadir: full, beforeAnswer: () => new Promise(() => undefined) });
  const peer = new ScriptPeer({ dial: ours.enode, eth: [72] });
  await peer.status();
  const session = await until('a session', async () => ours.manager.active()[0]);
  const asked = peer.do('headers', { origin: 5, amount: 3 });
  await until('a request', async () => (session.describe().queues?.serving ?? 0) > 0 || undefined);
  const report = await session.close({ ...QUITTING, timeoutMs: 200 });
  const abandoned = { ours: 0, theirs: 1, messages: 0 };
  expect(report).toMatchObject({ outcome: 'deadline', answered: { theirs: 0 }, abandoned });
  expect(await peer.disconnect()).toMatchObject({ reason: 8, form: 'list' });
  await expect(asked).rejects.toThrow('the session has ended');
});
