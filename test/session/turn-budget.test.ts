import { describe, expect, test } from 'vitest';
import { encodeBytes, encodeList } from '../../src/codec/index.js';
import { VirtualClock } from '../../src/runtime/simulated/clock.js';
import { BYTES_PER_TURN, FRAMES_PER_TURN, TurnBudget, Turns } from '../../src/session/turn-budget.js';
import { Village } from '../support/session-nodes.js';
import { ScriptedPeer } from '../support/session-peer.js';
import { hash } from '../support/session-values.js';

describe('a budget per turn', () => {
  test('is spent by its last frame, and there again in the next turn', async () => {
    const clock = new VirtualClock();
    const turns = new Turns(clock);
    const [first, second] = [new TurnBudget(turns, 3), new TurnBudget(turns, 3)];
    expect([first.spend(), first.spend(), first.spend(), first.spend()]).toEqual([false, false, true, true]);
    expect(second.spend()).toBe(false);
    await clock.advance(1);
    expect(first.spend()).toBe(false);
  });

  test('is spent by bytes as well, and what was exceeded is not owed', async () => {
    const clock = new VirtualClock();
    const budget = new TurnBudget(new Turns(clock), 3, 100);
    expect([budget.spendBytes(60), budget.spendBytes(39), budget.spendBytes(1)]).toEqual([
      false,
      false,
      true,
    ]);
    expect(budget.spend()).toBe(false);
    await clock.advance(1);
    expect(budget.spendBytes(10_000)).toBe(true);
    await clock.advance(1);
    expect(budget.spendBytes(99)).toBe(false);
  });

  test('tells whether anything is left of it', async () => {
    const clock = new VirtualClock();
    const budget = new TurnBudget(new Turns(clock), 1, 100);
    expect(budget.isSpent).toBe(false);
    budget.spendBytes(100);
    expect(budget.isSpent).toBe(true);
    await clock.advance(1);
    expect(budget.isSpent).toBe(false);
    budget.spend();
    expect(budget.isSpent).toBe(true);
  });

  test('takes one task per turn, however many ask', () => {
    let tasks = 0;
    const clock = new VirtualClock();
    const turns = new Turns({
      now: () => 0,
      wallMs: () => 0,
      timer: clock.timer.bind(clock),
      soon: () => void tasks++,
    });
    for (let i = 0; i < 1_000; i++) new TurnBudget(turns).spend();
    expect(tasks).toBe(1);
  });
});

describe('a peer that sends a thousand messages at once', () => {
  const word = (number: number) => ({
    name: 'NewPooledTransactionHashes' as const,
    types: Uint8Array.of(2),
    sizes: [number],
    hashes: [hash(1)],
  });

  async function flood(pausedFirst: boolean) {
    const village = new Village(1, { windowBytes: 1_000_000, maxPieceBytes: 1_000_000, pieces: 'whole' });
    /** What was heard, by turn. */
    const heard: number[][] = [[]];
    const node = await village.node({
      gossip: (message) => {
        if (message.name !== 'NewPooledTransactionHashes') return;
        heard.at(-1)?.push(message.sizes[0] ?? 0);
        if (heard.at(-1)?.length === 1) village.clock.soon(() => heard.push([]));
      },
    });
    const peer = new ScriptedPeer(village.world('10.0.0.99'));
    await village.clock.settle(peer.dial(node));
    await village.clock.advance(100);
    const [session] = node.manager.active();
    if (session === undefined) throw new Error('no session');
    if (pausedFirst) session.pause();
    for (let i = 0; i < 1_000; i++) peer.say(word(i));
    await village.clock.advance(100);
    if (pausedFirst) {
      expect(heard).toEqual([[]]);
      session.resume();
    }
    await village.clock.advance(1_000);
    return { heard, session, village };
  }

  test.each([
    ['as it comes', false],
    ['after a pause', true],
  ])('gives way after every 64, and all of it is heard in order: %s', async (_, paused) => {
    const { heard, session } = await flood(paused);
    expect(heard.flat()).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
    expect(Math.max(...heard.map(({ length }) => length))).toBeLessThanOrEqual(FRAMES_PER_TURN);
    expect(heard.length).toBeGreaterThanOrEqual(1_000 / FRAMES_PER_TURN);
    expect(session.state).toBe('active');
  });

  test.each([
    ['as they come', false],
    ['after a pause', true],
  ])('gives way after each one that is large once decompressed: %s', async (_, paused) => {
    const village = new Village(1, { windowBytes: 10_000_000, maxPieceBytes: 10_000_000, pieces: 'whole' });
    /** How many were heard, by turn. */
    const heard = [0];
    const node = await village.node({
      gossip: (message) => {
        if (message.name !== 'Transactions') return;
        heard.push((heard.pop() ?? 0) + 1);
        if (heard.at(-1) === 1) village.clock.soon(() => heard.push(0));
      },
    });
    const peer = new ScriptedPeer(village.world('10.0.0.99'));
    await village.clock.settle(peer.dial(node));
    await village.clock.advance(100);
    const [session] = node.manager.active();
    if (session === undefined) throw new Error('no session');
    if (paused) session.pause();
    const large = encodeList([encodeBytes(new Uint8Array(BYTES_PER_TURN))]);
    for (let i = 0; i < 5; i++) peer.say({ name: 'Transactions', transactions: [large] });
    await village.clock.advance(100);
    if (paused) {
      expect(heard).toEqual([0]);
      session.resume();
    }
    await village.clock.advance(100);
    expect(heard).toEqual([1, 1, 1, 1, 1, 0]);
    expect(session.state).toBe('active');
  });

  test('is heard once, also where the handler pauses the session in the middle of what was held', async () => {
    const village = new Village();
    const heard: number[] = [];
    const node = await village.node({
      gossip: (message, session) => {
        if (message.name !== 'NewPooledTransactionHashes') return;
        heard.push(message.sizes[0] ?? 0);
        if (heard.length === 2) session.pause();
      },
    });
    const peer = new ScriptedPeer(village.world('10.0.0.99'));
    await village.clock.settle(peer.dial(node));
    await village.clock.advance(100);
    const [session] = node.manager.active();
    session?.pause();
    for (let i = 0; i < 5; i++) peer.say(word(i));
    await village.clock.advance(100);
    session?.resume();
    await village.clock.advance(100);
    expect(heard).toEqual([0, 1]);
    session?.resume();
    await village.clock.advance(100);
    expect(heard).toEqual([0, 1, 2, 3, 4]);
  });
});
