import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Daemon, rlpxdOk, startDaemon } from './support/daemon.js';
import { type Geth, startGeth } from './support/geth.js';
import type { Line } from './support/lines.js';
import { type ChainFiles, demoAmsterdam, demoChain, temporaryFolder } from './support/places.js';
import { ScriptPeer } from './support/script-peer.js';

/** Disconnect reasons of the base protocol. */
const tooManyPeers = 4;
const subprotocolError = 16;

let full = '';
/** The demonstration chain as someone holds it who has not heard of Amsterdam: the same blocks up to it. */
let outdated: Pick<ChainFiles, 'genesis' | 'chain'> = demoChain;
let outdatedStore = '';

type GenesisJson = { extraData: string; config: Record<string, unknown> };

function changedGenesis(name: string, change: (genesis: GenesisJson) => void): string {
  const genesis = JSON.parse(readFileSync(demoChain.genesis, 'utf8')) as GenesisJson;
  change(genesis);
  const path = join(temporaryFolder(), name);
  writeFileSync(path, JSON.stringify(genesis));
  return path;
}

beforeAll(async () => {
  full = temporaryFolder();
  const files = ['--receipts', demoChain.receipts ?? '', '--genesis', demoChain.genesis, '--datadir', full];
  await rlpxdOk(['import', demoChain.chain, ...files]);

  const genesis = changedGenesis('outdated.json', (g) => {
    delete g.config.amsterdamTime;
  });
  outdated = { genesis, chain: demoChain.chain };
  const geth = await startGeth({ chain: outdated, blocks: demoAmsterdam - 1 });
  outdatedStore = temporaryFolder();
  await rlpxdOk(['pull', geth.enode, '--genesis', genesis, '--datadir', outdatedStore]);
  await geth.process.stop();
});

/** The session between the two that ended: what each end says of it. */
async function refused(geth: Geth, daemon: Daemon, gethSays: RegExp) {
  const handshake = await geth.process.line({
    event: 'log',
    message: 'Ethereum handshake failed',
    id: daemon.id,
  });
  expect(String(handshake.err)).toMatch(gethSays);
  // Both refuse at once: geth shows its own reason, or ours where that was faster.
  const drop = await geth.process.line({ event: 'peer.drop', peer: daemon.id });
  expect(String(drop.error)).toMatch(new RegExp(`${gethSays.source}|^subprotocol error$`));
  const ended = await daemon.process.line({ event: 'session.ended', peer: geth.id });
  const cause = ended.cause as Line;
  expect(cause).toMatchObject({ outcome: 'cancelled', stage: 'verifying', reason: subprotocolError });
  // And nobody took the other in.
  expect(daemon.process.lines.filter((line) => line.event === 'session.active')).toEqual([]);
  return cause;
}

interface Case {
  readonly name: string;
  readonly gethSays: RegExp;
  readonly weSay: RegExp;
  geth(): Promise<Geth>;
  daemon(peers: readonly string[]): Promise<Daemon>;
}

const cases: readonly Case[] = [
  {
    name: 'another network',
    gethSays: /network ID mismatch/,
    weSay: /network/i,
    geth: () => startGeth({ chain: demoChain, networkId: 5 }),
    daemon: (peers) => startDaemon({ genesis: demoChain.genesis, datadir: full, peers }),
  },
  {
    name: 'another genesis',
    gethSays: /genesis mismatch/,
    weSay: /genesis/i,
    geth: () => {
      const genesis = changedGenesis('other.json', (g) => {
        g.extraData = '0x6f74686572';
      });
      return startGeth({ chain: { genesis, chain: demoChain.chain }, blocks: 0 });
    },
    daemon: (peers) => startDaemon({ genesis: demoChain.genesis, datadir: full, peers }),
  },
  {
    name: 'a geth with a stale fork id',
    gethSays: /fork ID rejected: local incompatible or needs update/,
    weSay: /fork/i,
    geth: () => startGeth({ chain: outdated, blocks: demoAmsterdam - 1 }),
    daemon: (peers) => startDaemon({ genesis: demoChain.genesis, datadir: full, peers }),
  },
  {
    name: 'our own stale fork id',
    gethSays: /fork ID rejected: remote needs update/,
    weSay: /fork/i,
    geth: () => startGeth({ chain: demoChain }),
    daemon: (peers) => startDaemon({ genesis: outdated.genesis, datadir: outdatedStore, peers }),
  },
];

describe.each(cases)('$name is refused', (c) => {
  test('when we dial geth', async () => {
    const geth = await c.geth();
    const daemon = await c.daemon([geth.enode]);
    const cause = await refused(geth, daemon, c.gethSays);
    if (cause.by === 'policy') expect(String(cause.says)).toMatch(c.weSay);
  });

  test('when geth dials us', async () => {
    const geth = await c.geth();
    const daemon = await c.daemon([]);
    await geth.call('admin_addPeer', daemon.enode);
    const cause = await refused(geth, daemon, c.gethSays);
    if (cause.by === 'policy') expect(String(cause.says)).toMatch(c.weSay);
  });
});

describe('what we put on the wire', () => {
  const shift = demoChain.genesisHash.replace(/^../, '00');
  const statuses: readonly [string, Line, number][] = [
    ['another network', { networkId: 5 }, subprotocolError],
    ['another genesis', { genesis: `0x${shift}` }, subprotocolError],
    ['a fork that is not ours', { forkHash: '0x01020304' }, subprotocolError],
    ['a next fork that we have passed', { forkNext: 1750005210 }, subprotocolError],
    ['a range that ends before it begins', { earliest: 9, latest: 8 }, 2],
    ['no latest hash', { latestHash: `0x${'00'.repeat(32)}` }, 2],
    ['a version that was not negotiated', { version: 69 }, 2],
  ];

  test.each(statuses)('%s: a Disconnect that geth can read, dialed', async (_, status, reason) => {
    const daemon = await startDaemon({ genesis: demoChain.genesis, datadir: full });
    const peer = new ScriptPeer({ dial: daemon.enode, eth: [71], status });
    expect(await peer.disconnect()).toMatchObject({ reason, form: 'list' });
  });

  test.each(statuses)('%s: a Disconnect that geth can read, dialing', async (_, status, reason) => {
    const peer = new ScriptPeer({ eth: [71], status });
    await startDaemon({ genesis: demoChain.genesis, datadir: full, peers: [await peer.enode()] });
    expect(await peer.disconnect()).toMatchObject({ reason, form: 'list' });
  });

  test('no shared version: useless peer', async () => {
    const daemon = await startDaemon({ genesis: demoChain.genesis, datadir: full, eth: [70] });
    const peer = new ScriptPeer({ dial: daemon.enode, eth: [69] });
    await peer.hello();
    expect(await peer.disconnect()).toMatchObject({ reason: 3, form: 'list' });
  });

  test('no Status within five seconds: timeout', async () => {
    const daemon = await startDaemon({ genesis: demoChain.genesis, datadir: full });
    const peer = new ScriptPeer({ dial: daemon.enode, noStatus: true });
    await peer.hello();
    const started = Date.now();
    expect(await peer.disconnect()).toMatchObject({ reason: 11, form: 'list', stage: 'status' });
    expect(Date.now() - started).toBeLessThan(7_000);
  });

  test('a range update that ends before it begins ends the session', async () => {
    const daemon = await startDaemon({ genesis: demoChain.genesis, datadir: full });
    const peer = new ScriptPeer({ dial: daemon.enode });
    await peer.status();
    await peer.do('range', { earliest: 10, latest: 8, latestHash: `0x${demoChain.headHash}` });
    expect(await peer.disconnect()).toMatchObject({ reason: 2, stage: 'open' });
  });

  test('SIGTERM: client quitting, and exit code 0 within three seconds', async () => {
    const daemon = await startDaemon({ genesis: demoChain.genesis, datadir: full });
    const peer = new ScriptPeer({ dial: daemon.enode });
    await peer.status();
    const started = Date.now();
    daemon.process.signal('SIGTERM');
    expect(await peer.disconnect()).toMatchObject({ reason: 8, form: 'list', stage: 'open' });
    expect(await daemon.process.exited).toBe(0);
    expect(Date.now() - started).toBeLessThan(3_000);
  });
});

describe('too many peers', () => {
  test('geth is full: we are told so', async () => {
    const geth = await startGeth({ chain: demoChain, maxPeers: 2 }); // one dialed, one accepted
    await new ScriptPeer({ dial: geth.enode }).status();
    const daemon = await startDaemon({ genesis: demoChain.genesis, datadir: full, peers: [geth.enode] });
    const ended = await daemon.process.line({ event: 'session.ended', peer: geth.id });
    expect(ended.cause).toMatchObject({ outcome: 'cancelled', by: 'remote', reasonReceived: tooManyPeers });
    expect(await geth.process.line({ event: 'log', message: 'Rejected peer' })).toMatchObject({
      err: 'too many peers',
    });
  });

  test('we are full: geth is told so', async () => {
    const more = ['--maxpeers', '2', '--dialratio', '2']; // one dialed, one accepted
    const daemon = await startDaemon({ genesis: demoChain.genesis, datadir: full, more });
    await new ScriptPeer({ dial: daemon.enode }).status();
    const geth = await startGeth({ chain: demoChain });
    await geth.call('admin_addPeer', daemon.enode);
    const failed = await geth.process.line({ event: 'log', message: 'Failed p2p handshake' });
    expect(failed).toMatchObject({ id: daemon.id, err: 'too many peers' });
    const peer = new ScriptPeer({ dial: daemon.enode });
    expect(await peer.disconnect()).toMatchObject({ reason: tooManyPeers, form: 'list', stage: 'hello' });
  });
});
