import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { hexToBytes } from '../../src/codec/index.js';
import { nobleCrypto } from '../../src/crypto/index.js';
import { decodeHeader, headerHash, orderedTrieRoot } from '../../src/eth/index.js';
import { rlpxdOk, startDaemon } from './support/daemon.js';
import { startGeth } from './support/geth.js';
import { withSession } from './support/library.js';
import { LineProcess, text } from './support/lines.js';
import { conformanceChain, root, temporaryFolder } from './support/places.js';
import { ScriptPeer } from './support/script-peer.js';

// geth speaks eth/68 no more; the earlier TypeScript stack does, and is the judge here.

const chain = conformanceChain();
let store = '';

beforeAll(async () => {
  const geth = await startGeth({ chain });
  store = temporaryFolder();
  await rlpxdOk(['pull', geth.enode, '--genesis', chain.genesis, '--datadir', store]);
  await geth.process.stop();
});

async function startLegacy() {
  const folder = join(root, 'test', 'interop', 'legacy');
  const process_ = new LineProcess(
    'legacy peer',
    process.execPath,
    ['peer.mjs', chain.genesis, chain.chain],
    {
      json: 'stdout',
      cwd: folder,
    },
  );
  const ready = await process_.line({ event: 'ready' });
  return { process: process_, enode: text(ready, 'enode') };
}

const publicKeyOf = (enode: string) => enode.slice('enode://'.length, 'enode://'.length + 128);

/** What the peer must have read in our Status. */
const ourStatus = {
  event: 'status',
  networkId: '0x0c72dd9d5e883e',
  bestHash: `0x${chain.headHash}`,
  genesisHash: `0x${chain.genesisHash}`,
  forkHash: `0x${chain.forkHash}`,
};

describe('eth/68', () => {
  test('the peer dials us, agrees on Status, and gets headers, bodies and receipts with blooms', async () => {
    const daemon = await startDaemon({ genesis: chain.genesis, datadir: store });
    const legacy = await startLegacy();
    legacy.process.send({ op: 'dial', enode: daemon.enode });
    expect(await legacy.process.line({ event: 'peer.added' })).toMatchObject({
      eth: 68,
      client: expect.stringMatching(/^rlpxd\/v/),
    });
    expect(await legacy.process.line({ event: 'status' })).toMatchObject(ourStatus);
    expect(await daemon.process.line({ event: 'session.active' })).toMatchObject({
      eth: 68,
      direction: 'inbound',
    });

    // geth's view of the same blocks, over eth/70.
    const geth = await startGeth({ chain });
    const judge = new ScriptPeer({ dial: geth.enode, eth: [70] });
    await judge.status();
    const want = await judge.do('headers', { origin: 1, amount: 10 });
    const peer = publicKeyOf(daemon.enode);
    legacy.process.send({ op: 'headers', peer, origin: 1, amount: 10 });
    expect((await legacy.process.line({ event: 'headers' })).hashes).toEqual(want.hashes);

    const hashes = want.hashes as string[];
    legacy.process.send({ op: 'bodies', peer, hashes });
    const receipts = await judge.do('receipts', { hashes });
    expect((await legacy.process.line({ event: 'bodies' })).transactions).toEqual(receipts.counts);

    legacy.process.send({ op: 'receipts', peer, hashes });
    const lists = (await legacy.process.line({ event: 'receipts' })).lists as string[][];
    const roots = lists.map((list) =>
      orderedTrieRoot(
        list.map((item) => hexToBytes(item)),
        nobleCrypto,
      ),
    );
    expect(roots.map((hash) => `0x${Buffer.from(hash).toString('hex')}`)).toEqual(receipts.roots);
  });

  test('we dial the peer and agree on Status', async () => {
    const legacy = await startLegacy();
    const daemon = await startDaemon({ genesis: chain.genesis, datadir: store, peers: [legacy.enode] });
    expect(await daemon.process.line({ event: 'session.active' })).toMatchObject({
      eth: 68,
      direction: 'outbound',
      client: expect.stringContaining('ethereumjs'),
    });
    expect(await legacy.process.line({ event: 'status' })).toMatchObject(ourStatus);
  });

  test('we fetch headers from the peer', async () => {
    const legacy = await startLegacy();
    await withSession(chain, legacy.enode, 68, async (session) => {
      expect(session.eth.version).toBe(68);
      const headers = await session.eth.getBlockHeaders({
        origin: 591n,
        amount: 10,
        skip: 0n,
        reverse: false,
      });
      expect(headers.map((raw) => decodeHeader(raw).number)).toEqual(
        Array.from({ length: 10 }, (_, i) => BigInt(591 + i)),
      );
      const last = headers.at(-1) ?? new Uint8Array();
      expect(Buffer.from(headerHash(last, nobleCrypto)).toString('hex')).toBe(chain.headHash);
      expect(await session.ping()).toBeGreaterThan(0);
    });
    expect(await legacy.process.line({ event: 'served' })).toMatchObject({ headers: 10 });
  });

  test('ping reads its Status', async () => {
    const legacy = await startLegacy();
    const said = JSON.parse((await rlpxdOk(['ping', legacy.enode, '--json'])).stdout);
    expect(said.eth).toMatchObject({ version: 68, networkId: chain.networkId });
    expect(said.eth.earliest).toBeUndefined();
  });

  test('we leave: client quitting, as the peer reads it', async () => {
    const legacy = await startLegacy();
    const daemon = await startDaemon({ genesis: chain.genesis, datadir: store, peers: [legacy.enode] });
    await legacy.process.line({ event: 'status' });
    daemon.process.signal('SIGTERM');
    expect(await legacy.process.line({ event: 'peer.removed' })).toMatchObject({ reason: 8, byUs: false });
  });
});
