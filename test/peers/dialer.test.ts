import { beforeEach, describe, expect, test } from 'vitest';
import {
  BACKOFF,
  backoffMs,
  type DialEnd,
  Dialer,
  type DialTarget,
  type DialWait,
  failureOf,
} from '../../src/peers/index.js';
import { DISCONNECT } from '../../src/rlpx/index.js';
import { type Random, VirtualClock } from '../../src/runtime/index.js';

/** No jitter: the middle of the range. */
const random: Random = { bytes: (length) => new Uint8Array(length), unit: () => 0.5 };

interface Dialed {
  readonly target: DialTarget;
  readonly atMs: number;
  readonly signal: AbortSignal;
  readonly settle: (end: DialEnd | undefined) => void;
  readonly fail: (error: Error) => void;
}

let clock: VirtualClock;
let dials: Dialed[];
let waits: DialWait[];

beforeEach(() => {
  clock = new VirtualClock();
  dials = [];
  waits = [];
});

function target(byte: number, kind: 'static' | 'trusted' = 'static'): DialTarget {
  return { publicKey: new Uint8Array(64).fill(byte), host: '127.0.0.1', port: 30_000 + byte, kind };
}

function dialer(maxDials = 16): Dialer {
  return new Dialer({
    clock,
    random,
    maxDials,
    dial: (to, { signal }) =>
      new Promise((resolve, reject) => {
        dials.push({ target: to, atMs: clock.now(), signal, settle: resolve, fail: reject });
      }),
    waiting: (_, wait) => waits.push(wait),
  });
}

function dialed(i: number): Dialed {
  const entry = dials[i];
  if (entry === undefined) throw new Error(`only ${dials.length} dials`);
  return entry;
}

describe('Dialer', () => {
  test('dials a new peer at once and stays quiet while the session stands', async () => {
    const under = dialer();
    under.add(target(1));
    expect(dials).toHaveLength(1);
    under.established(target(1).publicKey);
    dialed(0).settle(undefined);
    await clock.advance(3_600_000);
    expect(dials).toHaveLength(1);
    expect(under.stateOf(target(1).publicKey)).toBe('connected');
    expect(clock.pendingTimers).toBe(0);
  });

  test('waits 1, 2, 4 … 60 seconds while a peer cannot be reached', async () => {
    const under = dialer();
    under.add(target(1));
    for (let i = 0; i < 9; i++) {
      dialed(i).settle({});
      await clock.advance(60_000);
    }
    expect(waits.map((wait) => wait.waitMs / 1000)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
    expect(waits.at(-1)).toMatchObject({ failure: 'unreachable', failures: 9 });
  });

  test('a dial that throws or rejects is a failure like any other', async () => {
    let calls = 0;
    const under = new Dialer({
      clock,
      random,
      dial: () => {
        calls++;
        if (calls === 1) throw new Error('no slot');
        return Promise.reject(new Error('no route'));
      },
    });
    under.add(target(1));
    await clock.advance(900);
    expect(calls).toBe(1);
    await clock.advance(3_200);
    expect(calls).toBe(3);
  });

  test('a full peer is left alone for longer, a peer of another chain for much longer', async () => {
    const under = dialer();
    under.add(target(1));
    dialed(0).settle({ reason: DISCONNECT.tooManyPeers });
    await clock.advance(4_999);
    expect(dials).toHaveLength(1);
    await clock.advance(1);
    dialed(1).settle({ reason: DISCONNECT.subprotocolError });
    await clock.advance(29_999);
    expect(dials).toHaveLength(2);
    await clock.advance(1);
    expect(dials).toHaveLength(3);
  });

  test('dials again soon after a session that stood; failures in a row count up only without one', async () => {
    const under = dialer();
    under.add(target(1));
    for (const activeMs of [10, 10, 10]) {
      under.established(target(1).publicKey);
      dialed(dials.length - 1).settle(undefined);
      await clock.advance(0);
      under.ended(target(1).publicKey, { activeMs });
      await clock.advance(10_000);
    }
    under.established(target(1).publicKey);
    under.ended(target(1).publicKey, { activeMs: 60_000, reason: DISCONNECT.clientQuitting });
    expect(waits.map((wait) => wait.waitMs)).toEqual([1_000, 2_000, 4_000, 1_000]);
  });

  test('a session that the peer opened counts: no dial beside it', async () => {
    const under = dialer();
    under.add(target(1));
    dialed(0).settle({});
    await clock.advance(100);
    under.established(target(1).publicKey); // it dialed us meanwhile
    await clock.advance(600_000);
    expect(dials).toHaveLength(1);
    under.ended(target(1).publicKey, { activeMs: 600_000 });
    await clock.advance(1_000);
    expect(dials).toHaveLength(2);
  });

  test('a dial that loses against the session of the peer changes nothing', async () => {
    const under = dialer();
    under.add(target(1));
    under.established(target(1).publicKey);
    dialed(0).settle({ reason: DISCONNECT.alreadyConnected });
    await clock.advance(600_000);
    expect(under.stateOf(target(1).publicKey)).toBe('connected');
    expect(waits).toEqual([]);
  });

  test('an end that arrives before the word of success still leads to the next dial', async () => {
    const under = dialer();
    under.add(target(1));
    under.established(target(1).publicKey);
    under.ended(target(1).publicKey, { activeMs: 1 });
    dialed(0).settle(undefined);
    await clock.advance(1_000);
    expect(dials).toHaveLength(2);
  });

  test('keeps to its number of dials at once, first come first served', async () => {
    const under = dialer(2);
    for (let i = 1; i <= 5; i++) under.add(target(i));
    expect(dials.map(({ target: { port } }) => port)).toEqual([30_001, 30_002]);
    dialed(1).settle({});
    await clock.advance(0);
    expect(dials.map(({ target: { port } }) => port)).toEqual([30_001, 30_002, 30_003]);
    under.remove(target(1).publicKey);
    expect(dials.map(({ target: { port } }) => port)).toEqual([30_001, 30_002, 30_003, 30_004]);
  });

  test('removing and stopping call dials off and leave no timer', async () => {
    const under = dialer();
    under.add(target(1));
    under.add(target(2));
    under.add(target(3));
    dialed(1).settle({});
    await clock.advance(0);
    under.remove(target(1).publicKey);
    expect(dialed(0).signal.aborted).toBe(true);
    under.stop();
    expect(dialed(2).signal.aborted).toBe(true);
    dialed(2).fail(new Error('aborted'));
    under.add(target(4));
    await clock.advance(600_000);
    expect(dials).toHaveLength(3);
    expect(under.targets).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('a peer given again gets its new endpoint', async () => {
    const under = dialer();
    under.add(target(1));
    dialed(0).settle({ reason: DISCONNECT.uselessPeer });
    await clock.advance(0);
    under.add({ ...target(1), port: 1234 });
    expect(dialed(1).target.port).toBe(1234);
    expect(under.targets).toHaveLength(1);
  });
});

describe('backoff', () => {
  test('spreads waits by a quarter to either side', () => {
    expect(backoffMs(BACKOFF.unreachable, 0, 0)).toBe(750);
    expect(backoffMs(BACKOFF.unreachable, 0, 1)).toBe(1_250);
    expect(backoffMs(BACKOFF.unsuitable, 1_000_000, 0.5)).toBe(1_800_000);
  });

  test('every reason leads to one kind of wait', () => {
    const kinds = Object.fromEntries(
      Object.entries(DISCONNECT).map(([name, reason]) => [name, failureOf({ reason })]),
    );
    expect(kinds).toEqual({
      requested: 'unreachable',
      networkError: 'unreachable',
      protocolBreach: 'unsuitable',
      uselessPeer: 'unsuitable',
      tooManyPeers: 'busy',
      alreadyConnected: 'busy',
      incompatibleVersion: 'unsuitable',
      invalidIdentity: 'unsuitable',
      clientQuitting: 'unreachable',
      unexpectedIdentity: 'unsuitable',
      connectedToSelf: 'unsuitable',
      timeout: 'unreachable',
      subprotocolError: 'unsuitable',
    });
    expect(failureOf({ reason: 77, activeMs: 0 })).toBe('ended');
  });
});
