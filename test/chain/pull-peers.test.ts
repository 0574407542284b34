import { beforeEach, describe, expect, test } from 'vitest';
import { type Asked, PeerBook, type PullPeer } from '../../src/chain/pull-peers.js';
import { silentLogger, VirtualClock } from '../../src/runtime/index.js';
import { type BuiltChain, buildChain } from '../support/chain-builder.js';
import { type PeerScript, ScriptedPeer } from '../support/chain-peer.js';

const chain: BuiltChain = buildChain(9);
let clock: VirtualClock;
let book: PeerBook;

beforeEach(() => {
  clock = new VirtualClock();
  book = new PeerBook(clock, silentLogger);
});

function add(script: PeerScript = {}, blocks = 9): { peer: ScriptedPeer; entry: PullPeer } {
  const peer = new ScriptedPeer(clock, { ...chain, blocks: chain.blocks.slice(0, blocks) }, script);
  book.add(peer);
  const entry = book.all().find((candidate) => candidate.peer === peer);
  if (entry === undefined) throw new Error('not in the book');
  return { peer, entry };
}

describe('the order of peers', () => {
  test('is by trust, then by what they announce, then by name', () => {
    add({ id: 'o', trust: 'other' }, 9);
    add({ id: 's2', trust: 'static' }, 5);
    add({ id: 's1', trust: 'static' }, 5);
    add({ id: 's0', trust: 'static', announces: null });
    add({ id: 's9', trust: 'static' }, 9);
    add({ id: 't', trust: 'trusted' }, 1);
    expect(book.all().map(({ peer }) => peer.id)).toEqual(['t', 's9', 's1', 's2', 's0', 'o']);
  });
});

describe('a peer that fails', () => {
  test('rests twice as long each time, and after five times in a row is left out for a minute', () => {
    const { entry } = add();
    const rests: number[] = [];
    for (let i = 0; i < 5; i++) {
      entry.failed('no answer');
      rests.push(entry.restMs);
      expect(entry.benched).toBe(i === 4);
    }
    expect(rests).toEqual([500, 1_000, 2_000, 4_000, 60_000]);
  });

  test('begins anew once it has succeeded, or its minute is over', async () => {
    const { entry } = add();
    for (let i = 0; i < 4; i++) entry.failed('no answer');
    entry.succeeded();
    entry.failed('no answer');
    expect(entry.benched).toBe(false);
    entry.bench('of no use');
    expect([entry.benched, entry.resting]).toEqual([true, true]);
    await clock.advance(60_000);
    expect([entry.benched, entry.resting]).toEqual([false, false]);
    entry.failed('no answer');
    expect([entry.benched, entry.restMs]).toEqual([false, 500]);
  });
});

describe('asking', () => {
  const hashes = chain.blocks.map(({ header }) => header.hash);
  const ask = (
    entry: PullPeer,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<Asked<readonly Uint8Array[]>> => entry.ask(signal, (o) => entry.peer.bodies(hashes, o));

  test('ends with the answer', async () => {
    const { entry } = add();
    const asking = ask(entry);
    await clock.advance(10);
    expect(await asking).toMatchObject({ outcome: 'answered', answer: { length: 9 } });
    expect(clock.pendingTimers).toBe(0);
  });

  test('ends after 30 seconds without one, and calls the request off', async () => {
    const { entry, peer } = add({ silent: ['bodies'] });
    const asking = ask(entry);
    await clock.advance(29_999);
    expect(peer.open).toBe(1);
    await clock.advance(1);
    expect(await asking).toEqual({ outcome: 'failed', says: 'no answer within 30 s' });
    await clock.advance(0);
    expect(peer.open).toBe(0);
  });

  test('ends when the peer is gone, or the pull is over, without blame', async () => {
    const one = add({ id: 'a', silent: ['bodies'] });
    const leaving = ask(one.entry);
    one.peer.leave();
    expect(await leaving).toEqual({ outcome: 'gone' });
    expect(await ask(one.entry)).toEqual({ outcome: 'gone' });
    const two = add({ id: 'b', silent: ['bodies'] });
    const stop = new AbortController();
    const stopping = ask(two.entry, stop.signal);
    stop.abort();
    expect(await stopping).toEqual({ outcome: 'stopped' });
    expect(await ask(two.entry, stop.signal)).toEqual({ outcome: 'stopped' });
    await clock.advance(0);
    expect([one.peer.open, two.peer.open, clock.pendingTimers]).toEqual([0, 0, 0]);
  });

  test('ends as a failure where the request throws at once', async () => {
    const { entry } = add();
    const asked = await entry.ask(new AbortController().signal, () => {
      throw new Error('session ended');
    });
    expect(asked).toEqual({ outcome: 'failed', says: 'session ended' });
  });
});

describe('the book', () => {
  test('forgets peers whose session ends, and takes none that is gone', () => {
    const { peer } = add();
    peer.leave();
    expect(book.all()).toEqual([]);
    book.add(peer);
    expect(book.all()).toEqual([]);
  });

  test('expels once, and tells the peer why', () => {
    const { peer, entry } = add();
    book.expel(entry, 'a false body');
    book.expel(entry, 'another');
    expect(peer.misdeeds).toEqual(['a false body']);
    expect(book.has(entry)).toBe(false);
  });

  test('wakes for what happened, for a rested peer, and after the time given', async () => {
    const { entry } = add();
    await book.wait(); // that it was added has happened
    let woken = 0;
    const sleep = (ms?: number): void => void book.wait(ms).then(() => woken++);
    sleep();
    await clock.advance(100_000);
    expect(woken).toBe(0);
    book.notify();
    await clock.advance(0);
    expect(woken).toBe(1);
    entry.failed('no answer');
    sleep(10_000);
    await clock.advance(499);
    expect(woken).toBe(1);
    await clock.advance(1);
    expect(woken).toBe(2);
    sleep(10_000);
    await clock.advance(10_000);
    expect([woken, clock.pendingTimers]).toEqual([3, 0]);
  });
});
