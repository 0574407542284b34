import { describe, expect, test } from 'vitest';
import { bytesToHex, prefixedHex } from '../../src/codec/index.js';
import { nodeCrypto } from '../../src/crypto/index.js';
import { MAX_LOOKUPS, readTransaction, wireItem } from '../../src/pool/index.js';
import { ScriptedPeer, type ScriptedSession } from '../../src/testing/index.js';
import { announcing, signed, TransactionTown } from '../support/node-transactions.js';
import { transactionVector, vectorItem, wholeItem } from '../support/pool-vectors.js';

const items = (all: readonly Parameters<typeof wireItem>[0][]) => all.map((one) => wireItem(one));

/** Answers GetPooledTransactions with what there is of these. */
function serves(session: ScriptedSession, all: readonly ReturnType<typeof signed>[]): void {
  session.respond('GetPooledTransactions', (request) => ({
    name: 'PooledTransactions',
    requestId: 0n,
    transactions:
      request.name === 'GetPooledTransactions'
        ? request.hashes.flatMap((hash) => {
            const found = all.find((one) => bytesToHex(one.hash) === bytesToHex(hash));
            return found === undefined ? [] : [wireItem(found)];
          })
        : [],
  }));
}

describe('a node that relays', () => {
  test('passes on what a peer sends: whole to some, announced to the others, nothing back', async () => {
    const town = await TransactionTown.open();
    const [from, ...others] = (await town.peers(10)) as [ScriptedSession, ...ScriptedSession[]];
    const all = Array.from({ length: 5 }, (_, nonce) => signed({ nonce }));
    from.send({ name: 'Transactions', transactions: items(all) });
    await town.clock.advance(500);
    const told = others.map((session) => town.told(session));
    for (const { whole, announced } of told) expect(whole + announced.length).toBe(5);
    expect(told.filter(({ whole }) => whole === 5).length).toBeGreaterThanOrEqual(3); // ceil(sqrt(10)), maybe the sender among them
    expect(told.filter(({ whole }) => whole === 5).length).toBeLessThanOrEqual(4);
    expect(town.told(from)).toEqual({ whole: 0, announced: [] });
    expect(town.node.status().transactions).toMatchObject({ seen: 5, pooled: 5, relayed: 5, refused: 0 });
  });

  test('fetches what is announced, once, and passes it on', async () => {
    const town = await TransactionTown.open();
    const [a, b, c] = (await town.peers(3)) as [ScriptedSession, ScriptedSession, ScriptedSession];
    const all = [signed({ key: 1 }), signed({ key: 2 })];
    for (const session of [a, b]) {
      serves(session, all);
      session.send(announcing(all));
    }
    await town.clock.advance(2_000);
    const asked = [a, b].map((one) =>
      one.heard.filter(({ message }) => message?.name === 'GetPooledTransactions'),
    );
    expect(asked.flat()).toEqual([]); // a responder has taken them: what is heard is what nobody answered
    expect(town.node.status().transactions).toMatchObject({
      seen: 2,
      pooled: 2,
      fetching: { requests: 1, wanted: 0 },
    });
    const { whole, announced } = town.told(c);
    expect(whole + announced.length).toBe(2);
  });

  test('tells a new peer of all that waits', async () => {
    const town = await TransactionTown.open();
    const from = await town.peer();
    const all = Array.from({ length: 20 }, (_, nonce) => signed({ nonce }));
    from.send({ name: 'Transactions', transactions: items(all) });
    await town.clock.advance(500);
    const late = await town.peer(72);
    await town.clock.advance(1_000);
    expect(town.told(late).announced.map(bytesToHex)).toEqual(all.map(({ hash }) => bytesToHex(hash)));
  });

  test('serves what is asked for, in the order asked, and skips what it does not have', async () => {
    const town = await TransactionTown.open();
    const from = await town.peer();
    const all = Array.from({ length: 3 }, (_, nonce) => signed({ nonce }));
    from.send({ name: 'Transactions', transactions: items(all) });
    await town.clock.advance(500);
    const asks = await town.peer();
    const [first, second, third] = all.map(({ hash }) => hash) as [Uint8Array, Uint8Array, Uint8Array];
    const hashes = [third, new Uint8Array(32), first, second];
    asks.send({ name: 'GetPooledTransactions', requestId: 7n, hashes });
    const answer = await town.clock.settle(asks.expect('PooledTransactions'));
    expect(answer.transactions).toEqual(items([all[2], all[0], all[1]] as typeof all));
  });

  test('P21: looks up 256 hashes of a request and no more', async () => {
    const town = await TransactionTown.open();
    const from = await town.peer();
    const own = signed();
    from.send({ name: 'Transactions', transactions: items([own]) });
    await town.clock.advance(500);
    const asks = await town.peer();
    const unknown = Array.from({ length: MAX_LOOKUPS }, (_, i) => new Uint8Array(32).fill(i + 1));
    const answers: number[] = [];
    for (const hashes of [
      [...unknown, own.hash],
      [...unknown.slice(1), own.hash],
    ]) {
      asks.send({ name: 'GetPooledTransactions', requestId: 1n, hashes });
      answers.push((await town.clock.settle(asks.expect('PooledTransactions'))).transactions.length);
    }
    expect(answers).toEqual([0, 1]);
  });

  test('P21: GetNodeData, of protocols long gone, ends the session', async () => {
    const town = await TransactionTown.open();
    const session = await town.peer(68);
    session.sendRaw(0x0d, Uint8Array.of(0xc2, 0x01, 0xc0));
    expect(await town.clock.settle(session.ended)).toMatchObject({ by: 'remote', reason: 2 });
  });

  test('fetches nothing for a second time that it has refused', async () => {
    const town = await TransactionTown.open();
    const [a, b] = (await town.peers(2)) as [ScriptedSession, ScriptedSession];
    const wrong = [signed({ chainId: 5n })];
    serves(a, wrong);
    a.send(announcing(wrong));
    await town.clock.advance(2_000);
    expect(town.node.status().transactions).toMatchObject({ refused: 1, pooled: 0 });
    b.send(announcing(wrong));
    await town.clock.advance(2_000);
    expect(town.node.status().transactions).toMatchObject({ fetching: { requests: 1, wanted: 0 } });
    expect(a.end).toBe(undefined); // another head, or other rules, are no breach
  });

  test('asks the execution client behind it first, and passes on what that accepts and has', async () => {
    const accepts = new Set([bytesToHex(signed({ key: 1 }).hash)]);
    let pending: (raw: Uint8Array) => void = () => undefined;
    const submitted: string[] = [];
    const plain = await TransactionTown.open();
    const town = await TransactionTown.open({
      backend: Object.assign(Object.create(plain.node.backend), {
        chain: plain.node.chain,
        range: () => plain.node.backend.range(),
        headerByHash: (hash: Uint8Array) => plain.node.backend.headerByHash(hash),
        subscribe: () => () => undefined,
        transactions: {
          submit: async (raw: Uint8Array) => {
            const hash = bytesToHex(nodeCrypto().keccak256(raw));
            submitted.push(hash);
            return accepts.has(hash)
              ? { accepted: true }
              : { accepted: false, why: 'nonce too low', judged: true };
          },
          subscribePending: (listener: (raw: Uint8Array) => void) => {
            pending = listener;
            return () => undefined;
          },
          pooled: async () => undefined,
        },
      }),
    });
    const [from, other] = (await town.peers(2)) as [ScriptedSession, ScriptedSession];
    from.send({ name: 'Transactions', transactions: items([signed({ key: 1 }), signed({ key: 2 })]) });
    await town.clock.advance(500);
    expect(submitted).toHaveLength(2);
    expect(town.node.status().transactions).toMatchObject({ pooled: 1, refused: 1 });
    const first = town.told(other);
    expect(first.whole + first.announced.length).toBe(1);
    const its = signed({ key: 3 });
    pending(its.network);
    await town.clock.advance(500);
    expect(submitted, 'it came from there').toHaveLength(2);
    for (const session of [from, other]) {
      const { whole, announced } = town.told(session);
      expect(whole + announced.length, 'of the client').toBeGreaterThan(0);
    }
  });
});

describe('permissions', () => {
  test('what comes from a session that may not be passed on is kept, and goes nowhere', async () => {
    const town = await TransactionTown.open({ templates: { basic: { permissions: { relayFrom: false } } } });
    const [from, other] = (await town.peers(2)) as [ScriptedSession, ScriptedSession];
    from.send({ name: 'Transactions', transactions: items([signed()]) });
    await town.clock.advance(500);
    expect(town.node.status().transactions).toMatchObject({ pooled: 1, relayed: 0 });
    expect(town.told(other)).toEqual({ whole: 0, announced: [] });
  });

  test('a session that gets nothing of others gets ours', async () => {
    const town = await TransactionTown.open({ templates: { basic: { permissions: { relayTo: false } } } });
    const [from, other] = (await town.peers(2)) as [ScriptedSession, ScriptedSession];
    from.send({ name: 'Transactions', transactions: items([signed({ key: 1 })]) });
    await town.clock.advance(500);
    await town.clock.settle(town.node.broadcast(signed({ key: 2 }).network));
    await town.clock.advance(500);
    const { whole, announced } = town.told(other);
    expect(whole + announced.length).toBe(1);
    const late = await town.peer();
    await town.clock.advance(500);
    expect(town.told(late).announced).toEqual([signed({ key: 2 }).hash]);
  });

  test('a session that speaks no eth is told nothing, and hinders nobody', async () => {
    const words = {
      ...{ name: 'words', version: 1, length: 1 },
      onSession: () => ({ message: () => undefined }),
    };
    const town = await TransactionTown.open({ requireEth: false, protocols: [words] });
    const peer = new ScriptedPeer({
      world: town.internet.world(),
      capabilities: [{ name: 'words', version: 1, length: 1 }],
    });
    const target = { host: '10.0.0.1', port: 30_303, publicKey: town.node.sessions.publicKey };
    const session = await town.clock.settle(peer.dial(target));
    await town.clock.advance(500);
    const other = await town.peer();
    await town.clock.settle(town.node.broadcast(signed().network));
    await town.clock.advance(500);
    expect(town.node.sessions.count().activeInbound).toBe(2);
    expect(session.end).toBe(undefined);
    const { whole, announced } = town.told(other);
    expect(whole + announced.length).toBe(1);
  });
});

describe('a node that observes', () => {
  test('fetches and reports, passes on nothing, and serves nothing', async () => {
    const town = await TransactionTown.open({ transactions: 'observe' });
    const accepted: string[] = [];
    town.node.on('transaction', ({ transaction }) => void accepted.push(bytesToHex(transaction.hash)));
    const [from, other] = (await town.peers(2)) as [ScriptedSession, ScriptedSession];
    const all = [signed({ key: 1 }), signed({ key: 2 })];
    serves(from, all);
    from.send(announcing(all));
    await town.clock.advance(2_000);
    expect(accepted).toEqual(all.map(({ hash }) => bytesToHex(hash)));
    expect(town.told(other)).toEqual({ whole: 0, announced: [] });
    other.send({ name: 'GetPooledTransactions', requestId: 1n, hashes: all.map(({ hash }) => hash) });
    expect((await town.clock.settle(other.expect('PooledTransactions'))).transactions).toEqual([]);
    const { items: seen } = town.node.feeds.transactions.read(0, 10);
    expect(seen.map(({ fact, peers }) => [fact.type, fact.bytes, peers])).toEqual(
      all.map(({ type, bytes }) => [type, bytes, 1]),
    );
  });

  test('sends its own, and says what peers did with them', async () => {
    const town = await TransactionTown.open({ transactions: 'observe' });
    const peers = (await town.peers(3)) as [ScriptedSession, ScriptedSession, ScriptedSession];
    const own = signed();
    const sending = await town.clock.settle(town.node.broadcast(own.network));
    await town.clock.advance(100);
    expect(sending.hash).toEqual(own.hash);
    const told = peers.map((session) => town.told(session));
    expect(told.filter(({ whole }) => whole === 1)).toHaveLength(2); // ceil(sqrt(3))
    const announced = peers.find((session) => town.told(session).announced.length === 1);
    if (announced === undefined) throw new Error('nobody was told of it by its hash');
    announced.send({ name: 'GetPooledTransactions', requestId: 1n, hashes: [own.hash] });
    expect((await town.clock.settle(announced.expect('PooledTransactions'))).transactions).toEqual(
      items([own]),
    );
    const back = peers.find((session) => town.told(session).whole === 1);
    back?.send(announcing([own]));
    await town.clock.advance(100);
    const report = sending.report();
    expect(report.peers).toHaveLength(3);
    const count = (what: 'sent' | 'announced' | 'askedFor' | 'seenBack') =>
      report.peers.filter((one) => one[what]).length;
    expect([count('sent'), count('announced'), count('askedFor'), count('seenBack')]).toEqual([2, 1, 1, 1]);
    const late = await town.peer();
    await town.clock.advance(1_000);
    expect(town.told(late).announced).toEqual([own.hash]);
  });

  test('tells the caller what is wrong with a transaction of its own', async () => {
    const town = await TransactionTown.open({ transactions: 'observe' });
    const send = (raw: Uint8Array) => town.clock.settle(town.node.broadcast(raw));
    await expect(send(signed({ chainId: 3n }).network)).rejects.toMatchObject({
      code: 'ERR_POOL_TX_CHAIN_ID',
    });
    await expect(send(Uint8Array.of(1, 2, 3))).rejects.toMatchObject({ code: 'ERR_POOL_TX_DECODE' });
    await send(signed({ tip: 100 }).network);
    await expect(send(signed({ tip: 101 }).network)).rejects.toMatchObject({
      code: 'ERR_NODE_TRANSACTION',
      message: 'another with the same nonce stays, since this one does not pay enough more',
    });
  });
});

describe('a node without transactions', () => {
  test('asks for nothing, and has no pool', async () => {
    const town = await TransactionTown.open({ transactions: 'off' });
    const from = await town.peer();
    from.send(announcing([signed()]));
    await town.clock.advance(2_000);
    expect(from.heard.map(({ message }) => message?.name)).not.toContain('GetPooledTransactions');
    expect(town.node.status().transactions).toBe(undefined);
    await expect(town.node.broadcast(signed().network)).rejects.toMatchObject({
      code: 'ERR_NODE_TRANSACTION',
    });
  });
});

describe('what no correct peer says', () => {
  async function ends(session: ScriptedSession, town: TransactionTown): Promise<void> {
    expect(await town.clock.settle(session.ended)).toMatchObject({ by: 'remote', reason: 2 });
  }

  test('P11: an announcement of more than 8,192 hashes ends the session; of 8,192 the first 4,096 count', async () => {
    const town = await TransactionTown.open();
    const session = await town.peer();
    const made = (count: number) => ({
      name: 'NewPooledTransactionHashes' as const,
      types: new Uint8Array(count).fill(2),
      sizes: new Array<number>(count).fill(200),
      hashes: Array.from({ length: count }, (_, i) => {
        const hash = new Uint8Array(32);
        new DataView(hash.buffer).setUint32(0, i + 1);
        return hash;
      }),
    });
    session.send(made(8_192));
    await town.clock.advance(50);
    expect(town.node.status().transactions?.fetching.wanted).toBe(4_096);
    session.send(made(8_193));
    await ends(session, town);
    expect(town.node.status().transactions?.fetching).toMatchObject({ wanted: 0, bytes: 0 });
  });

  test('P14: the same transaction twice in one message', async () => {
    const town = await TransactionTown.open();
    const session = await town.peer();
    session.send({ name: 'Transactions', transactions: items([signed(), signed()]) });
    await ends(session, town);
  });

  test('P14: a blob transaction that is broadcast', async () => {
    const town = await TransactionTown.open();
    const session = await town.peer();
    const item = wholeItem(transactionVector('type 3 with a sidecar of version 1'));
    session.send({ name: 'Transactions', transactions: [item] });
    await ends(session, town);
  });

  test('P14: a blob transaction without its sidecar, in an answer; the next announcer is asked', async () => {
    const town = await TransactionTown.open();
    const vector = transactionVector('type 3 with a sidecar of version 1');
    const whole = readTransaction(wholeItem(vector), { crypto: nodeCrypto() });
    const [liar, honest] = (await town.peers(2)) as [ScriptedSession, ScriptedSession];
    liar.send({ ...announcing([whole]), sizes: [whole.raw.length] });
    const request = await town.clock.settle(liar.expect('GetPooledTransactions'));
    serves(honest, [whole]);
    honest.send(announcing([whole]));
    await town.clock.advance(50);
    const bare = wireItem({ ...whole, network: whole.raw });
    const accepted = new Promise((resolve) => town.node.on('transaction', resolve));
    liar.send({ name: 'PooledTransactions', requestId: request.requestId, transactions: [bare] });
    await ends(liar, town);
    await town.clock.settle(accepted);
    expect(town.node.status().transactions).toMatchObject({ pooled: 1 });
    expect(honest.end).toBe(undefined);
  });

  test('P15: a blob that its proofs do not fit ends the session, and nothing of it is kept', async () => {
    const town = await TransactionTown.open();
    const vector = transactionVector('type 3 with a sidecar of version 1');
    const whole = readTransaction(wholeItem(vector), { crypto: nodeCrypto() });
    const bent = wholeItem(vector).slice();
    bent[5_000] = (bent[5_000] ?? 0) ^ 1; // in the blob
    const session = await town.peer();
    session.send(announcing([whole]));
    const { requestId } = await town.clock.settle(session.expect('GetPooledTransactions'));
    const misbehaved: string[] = [];
    town.node.on('peer.misbehaved', ({ says }) => void misbehaved.push(says));
    session.send({ name: 'PooledTransactions', requestId, transactions: [bent] });
    await ends(session, town);
    expect(misbehaved).toEqual(['sent blobs that do not fit their commitments']);
    expect(town.node.status().transactions).toMatchObject({ pooled: 0 });
  });

  test('P17: cells that were not asked for, or too few of them', async () => {
    const vector = transactionVector('type 3 with a sidecar of version 1');
    const cell = new Uint8Array(2_048);
    const many = (count: number) => new Array<Uint8Array>(count).fill(cell);
    for (const [mask, cells] of [
      [new Uint8Array(16).fill(0xff), many(128)],
      [Uint8Array.from({ length: 16 }, (_, i) => (i < 8 ? 0xff : 0)), many(65)],
      [Uint8Array.from({ length: 16 }, (_, i) => (i < 8 ? 0xff : 0)), many(63)],
    ] as const) {
      const town = await TransactionTown.open();
      const session = await town.peer(72);
      const elided = readTransaction(vectorItem(vector), { crypto: nodeCrypto(), elided: true });
      session.respond('GetPooledTransactions', () => ({
        name: 'PooledTransactions',
        requestId: 0n,
        transactions: [vectorItem(vector)],
      }));
      session.send({ ...announcing([elided]), mask: new Uint8Array(16).fill(0xff) });
      const { requestId, hashes } = await town.clock.settle(session.expect('GetCells'));
      session.send({ name: 'Cells', requestId, hashes, cells: [cells], mask });
      await ends(session, town);
    }
  });

  test('P19: block announcements of eth/68 are bounded in number, and ended where they are too many', async () => {
    const town = await TransactionTown.open();
    const session = await town.peer(68);
    const blocks = (count: number) =>
      Array.from({ length: count }, (_, i) => ({
        hash: new Uint8Array(32).fill(i % 251),
        number: BigInt(i),
      }));
    for (let i = 0; i < 100; i++) session.send({ name: 'NewBlockHashes', blocks: blocks(16) });
    await town.clock.advance(3_000);
    expect(session.end).toBe(undefined);
    expect(town.node.feeds.blocks.end).toBeLessThanOrEqual(1_600);
    session.send({ name: 'NewBlockHashes', blocks: blocks(4_097) });
    await ends(session, town);
  });

  test('P19: from eth/69 on there is no such message, and it ends the session', async () => {
    const town = await TransactionTown.open();
    const session = await town.peer(69);
    session.sendRaw(0x01, Uint8Array.of(0xc0));
    await ends(session, town);
  });
});

describe('blobs between versions', () => {
  test('are not asked of a peer that does not have the first half of their cells, nor taken in part', async () => {
    const town = await TransactionTown.open();
    const vector = transactionVector('type 3 with a sidecar of version 1');
    const elided = readTransaction(vectorItem(vector), { crypto: nodeCrypto(), elided: true });
    const [half, gone] = (await town.peers(2, 72)) as [ScriptedSession, ScriptedSession];
    half.send({ ...announcing([elided]), mask: new Uint8Array(16).fill(0x7f) });
    await town.clock.advance(1_000);
    expect(half.heard.map(({ message }) => message?.name)).not.toContain('GetPooledTransactions');
    gone.respond('GetPooledTransactions', () => ({
      name: 'PooledTransactions',
      requestId: 0n,
      transactions: [vectorItem(vector)],
    }));
    gone.respond('GetCells', (request) =>
      request.name !== 'GetCells'
        ? undefined
        : { name: 'Cells', requestId: 0n, hashes: [], cells: [], mask: request.mask },
    );
    gone.send({ ...announcing([elided]), mask: new Uint8Array(16).fill(0xff) });
    await town.clock.advance(2_000);
    expect(town.node.status().transactions).toMatchObject({
      ...{ pooled: 0, refused: 0 },
      fetching: { requests: 1, wanted: 0, bytes: 0 },
    });
    expect([half.end, gone.end]).toEqual([undefined, undefined]);
  });

  test('come from eth/72 by their cells, and go to each peer in the form that it reads', async () => {
    const town = await TransactionTown.open();
    const vector = transactionVector('type 3 with two blobs and a sidecar of version 1');
    const crypto = nodeCrypto();
    const whole = readTransaction(wholeItem(vector), { crypto });
    const elided = readTransaction(vectorItem(vector), { crypto, elided: true });
    const blobs = whole.sidecar?.blobs ?? [];
    const session = await town.peer(72);
    session.respond('GetPooledTransactions', () => ({
      name: 'PooledTransactions',
      requestId: 0n,
      transactions: [vectorItem(vector)],
    }));
    session.respond('GetCells', (request) =>
      request.name !== 'GetCells'
        ? undefined
        : {
            name: 'Cells',
            requestId: 0n,
            hashes: request.hashes,
            cells: [
              blobs.flatMap((blob) =>
                Array.from({ length: 64 }, (_, i) => blob.slice(i * 2_048, (i + 1) * 2_048)),
              ),
            ],
            mask: request.mask,
          },
    );
    const [old, young] = [await town.peer(70), await town.peer(72)];
    const accepted = new Promise((resolve) => town.node.on('transaction', resolve));
    session.send({ ...announcing([elided]), mask: new Uint8Array(16).fill(0xff) });
    await town.clock.settle(accepted);
    await town.clock.advance(100);
    expect(town.node.status().transactions).toMatchObject({ pooled: 1, refused: 0 });
    const [toOld, toYoung] = [old, young].map(
      (one) => one.heard.find(({ message }) => message?.name === 'NewPooledTransactionHashes')?.message,
    );
    expect(toOld).toMatchObject({ sizes: [whole.bytes] });
    expect(toYoung).toMatchObject({ sizes: [elided.bytes], mask: new Uint8Array(16).fill(0xff) });
    for (const [asks, item] of [
      [old, wholeItem(vector)],
      [young, vectorItem(vector)],
    ] as const) {
      asks.send({ name: 'GetPooledTransactions', requestId: 1n, hashes: [whole.hash] });
      const answer = await town.clock.settle(asks.expect('PooledTransactions'));
      expect(prefixedHex(answer.transactions[0] ?? new Uint8Array(0)) === prefixedHex(item)).toBe(true);
    }
    const mask = new Uint8Array(16);
    mask[0] = 0b101;
    young.send({ name: 'GetCells', requestId: 2n, hashes: [whole.hash, new Uint8Array(32)], mask });
    const cells = await town.clock.settle(young.expect('Cells'));
    expect(cells.hashes).toEqual([whole.hash]);
    expect(cells.cells[0]).toEqual(blobs.flatMap((blob) => [blob.slice(0, 2_048), blob.slice(4_096, 6_144)]));
  });
});
