import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EthMessage, type EthMessageName, ethProtocol, type MessageSpec } from '../../src/eth/index.js';
import { VirtualClock } from '../../src/runtime/simulated/clock.js';
import type { Ending } from '../../src/session/close-cause.js';
import { DEFAULT_DEADLINES } from '../../src/session/deadlines.js';
import { type SessionError, SessionNotActive } from '../../src/session/errors.js';
import { Outgoing, REQUEST_LANE } from '../../src/session/outgoing.js';
import {
  type IncomingAnswer,
  InflightRequests,
  MAX_OPEN_REQUESTS,
  MAX_WAITING_CALLERS,
  OWN_LANE_REQUESTS,
  OWN_OPEN_REQUESTS,
  type RequestOptions,
} from '../../src/session/requests.js';
import { nextTimeoutMs, RoundTrips } from '../../src/session/round-trip.js';
import { ETH_CAPABILITY, hash, recordingSink } from '../support/session-values.js';

const protocol = ethProtocol(69);

function spec(name: EthMessageName): MessageSpec {
  const found = protocol.byName.get(name);
  if (found === undefined) throw new Error(name);
  return found;
}

/** A message of a connection, and how often it was decompressed. */
function arrived(payload: Uint8Array): IncomingAnswer & { opened: number } {
  return {
    opened: 0,
    declaredBytes: payload.length,
    head: (bytes) => payload.slice(0, bytes),
    payload() {
      this.opened++;
      return payload;
    },
  };
}

function inflight() {
  const clock = new VirtualClock();
  const sink = recordingSink();
  const outgoing = new Outgoing(sink, ETH_CAPABILITY, clock);
  const breaches: Ending[] = [];
  const state: { reading: boolean; over?: SessionError } = { reading: true };
  const requests = new InflightRequests({
    ...{ clock, deadlines: DEFAULT_DEADLINES, protocol, outgoing },
    reading: () => state.reading,
    over: () => state.over,
    breach: (ending) => breaches.push(ending),
  });
  const bodies = (count = 2, options = {}) =>
    requests.ask(
      { name: 'GetBlockBodies', requestId: 0n, hashes: Array.from({ length: count }, (_, i) => hash(i + 1)) },
      options,
    );
  const ask = (
    name: 'GetBlockBodies' | 'GetReceipts' | 'GetPooledTransactions',
    options: RequestOptions = {},
  ) => requests.ask({ name, requestId: 0n, hashes: [hash(1)] }, options);
  const take = (name: EthMessageName, message: IncomingAnswer): Ending | undefined => {
    const { asked, refused } = requests.match(spec(name), message);
    if (asked !== undefined) requests.answered(asked, message);
    return refused;
  };
  const answer = (name: EthMessageName, message: EthMessage): Ending | undefined =>
    take(name, arrived(spec(name).encode(message)));
  const answerBodies = (requestId: bigint, count = 1): Ending | undefined =>
    answer('BlockBodies', {
      name: 'BlockBodies',
      requestId,
      bodies: Array.from({ length: count }, () => Uint8Array.of(0xc2, 0xc0, 0xc0)),
    });
  return { clock, sink, outgoing, breaches, state, requests, bodies, ask, take, answer, answerBodies };
}

describe('a request', () => {
  test('is numbered, sent, and settled by the answer with its number', async () => {
    const { bodies, answerBodies, sink, requests, clock } = inflight();
    const first = bodies();
    const second = bodies(1);
    expect(sink.sent).toHaveLength(2);
    expect(answerBodies(2n)).toBeUndefined();
    expect(answerBodies(1n, 2)).toBeUndefined();
    expect(await second).toMatchObject({ name: 'BlockBodies', requestId: 2n });
    expect((await first).requestId).toBe(1n);
    expect(requests.size).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  test('that the version does not know is the caller’s mistake', async () => {
    const { requests, sink } = inflight();
    const asked = requests.ask({ name: 'GetBlockAccessLists', requestId: 0n, hashes: [hash(1)] });
    await expect(asked).rejects.toMatchObject({ code: 'ERR_SESSION_UNSUPPORTED' });
    expect(sink.sent).toEqual([]);
  });

  test('times out at its deadline, exactly, and its late answer is taken without a word', async () => {
    const { bodies, answerBodies, clock, breaches, requests } = inflight();
    const asked = bodies(1, { timeoutMs: 7_000 });
    const outcome = expect(asked).rejects.toMatchObject({ code: 'ERR_SESSION_TIMEOUT' });
    clock.advanceNow(6_999);
    expect(requests.size).toBe(1);
    clock.advanceNow(1);
    await outcome;
    clock.advanceNow(100_000);
    expect(answerBodies(1n)).toBeUndefined();
    expect(requests.size).toBe(0);
    clock.advanceNow(300_000);
    expect(breaches).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('that is never answered is a breach after 120 s', async () => {
    const { bodies, clock, breaches } = inflight();
    const asked = bodies();
    asked.catch(() => undefined);
    clock.advanceNow(119_999);
    expect(breaches).toEqual([]);
    clock.advanceNow(1);
    expect(breaches).toMatchObject([{ code: 'ERR_SESSION_ANSWER_MISSING', reason: 2 }]);
  });

  test('nobody is blamed for an answer that we did not read', () => {
    const { bodies, clock, breaches, state } = inflight();
    bodies().catch(() => undefined);
    state.reading = false;
    clock.advanceNow(200_000);
    expect(breaches).toEqual([]);
    state.reading = true;
    clock.advanceNow(120_000);
    expect(breaches).toHaveLength(1);
  });

  test('called off by its signal stays to absorb the answer; one that was not sent yet leaves nothing', async () => {
    const { bodies, answerBodies, sink, requests, outgoing, clock } = inflight();
    const first = new AbortController();
    const sent = bodies(1, { signal: first.signal });
    sink.open = false;
    bodies(1).catch(() => undefined); // this one makes the connection say wait
    const second = new AbortController();
    const unsent = bodies(1, { signal: second.signal });
    first.abort();
    second.abort(new Error('enough'));
    await expect(sent).rejects.toMatchObject({ code: 'ERR_SESSION_ABORTED' });
    await expect(unsent).rejects.toMatchObject({ code: 'ERR_SESSION_ABORTED', cause: new Error('enough') });
    expect(outgoing.requests.items).toBe(0);
    expect(requests.size).toBe(2);
    expect(answerBodies(1n)).toBeUndefined();
    expect(answerBodies(3n)).toMatchObject({ code: 'ERR_SESSION_ANSWER_UNASKED' });
    expect(requests.size).toBe(1);
    expect(clock.pendingTimers).toBe(1);
    await expect(bodies(1, { signal: first.signal })).rejects.toMatchObject({ code: 'ERR_SESSION_ABORTED' });
  });

  test('the end of the session reaches everyone who waits, and everyone who comes later', async () => {
    const { bodies, requests, clock, state } = inflight();
    const asked = [bodies(), bodies(), bodies()];
    const error = new SessionNotActive('s1');
    state.over = error;
    requests.end(error);
    for (const one of asked) await expect(one).rejects.toBe(error);
    await expect(bodies()).rejects.toBe(error);
    expect(requests.size).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  test('there are 512 at most, of which each kind has 32 to itself', async () => {
    const { bodies, requests, sink, clock, ask } = inflight();
    const kinds = 4; // on eth/69: headers, bodies, receipts, pooled transactions
    const most = MAX_OPEN_REQUESTS - (kinds - 1) * OWN_OPEN_REQUESTS;
    for (let i = 0; i < most; i++) bodies(1).catch(() => undefined);
    await expect(bodies(1)).rejects.toMatchObject({ code: 'ERR_SESSION_QUEUE_FULL' });
    for (const name of ['GetReceipts', 'GetPooledTransactions'] as const) {
      for (let i = 0; i < OWN_OPEN_REQUESTS; i++) ask(name).catch(() => undefined);
      await expect(ask(name)).rejects.toMatchObject({ code: 'ERR_SESSION_QUEUE_FULL' });
    }
    expect(requests.size).toBe(MAX_OPEN_REQUESTS - OWN_OPEN_REQUESTS);
    expect(sink.sent).toHaveLength(requests.size);
    requests.end(new SessionNotActive('s1'));
    expect(clock.pendingTimers).toBe(0);
  });

  test('a full lane is told to the caller, and holds places for other kinds', async () => {
    const { sink, requests, clock, ask, outgoing } = inflight();
    sink.open = false;
    const all = Array.from({ length: 300 }, () => ask('GetBlockBodies').then(String, ({ code }) => code));
    await Promise.resolve();
    const most = REQUEST_LANE.maxItems - 3 * OWN_LANE_REQUESTS;
    expect(outgoing.requests.items).toBe(most);
    const other = ask('GetReceipts').then(String, ({ code }) => code);
    await Promise.resolve();
    expect(outgoing.requests.items).toBe(most + 1);
    requests.end(new SessionNotActive('s1'));
    const codes = await Promise.all(all);
    expect(codes.filter((code) => code === 'ERR_SESSION_QUEUE_FULL')).toHaveLength(300 - 1 - most);
    expect(await other).toBe('ERR_SESSION_NOT_ACTIVE');
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a caller that waits for room', () => {
  const full = () => {
    const all = inflight();
    all.sink.open = false;
    const most = 1 + REQUEST_LANE.maxItems - 3 * OWN_LANE_REQUESTS;
    for (let i = 0; i < most; i++) all.ask('GetBlockBodies', { timeoutMs: 60_000 }).catch(() => undefined);
    return { ...all, most };
  };

  test('has its turn once the peer reads, after those who came before it', async () => {
    const { ask, sink, outgoing, requests, most } = full();
    const order: number[] = [];
    for (let i = 0; i < 3; i++)
      ask('GetBlockBodies', { backpressure: 'await' }).then(
        () => order.push(i),
        () => undefined,
      );
    await Promise.resolve();
    expect(requests.callers).toBe(3);
    // nobody passes those who wait
    sink.open = true;
    await expect(ask('GetBlockBodies')).rejects.toMatchObject({ code: 'ERR_SESSION_QUEUE_FULL' });
    outgoing.drained();
    expect(requests.callers).toBe(0);
    expect(sink.sent).toHaveLength(most + 3);
    expect(requests.size).toBe(most + 3);
  });

  test('has it when a request is answered, where the limit of open ones was in the way', async () => {
    const { ask, answerBodies, requests } = inflight();
    const most = MAX_OPEN_REQUESTS - 3 * OWN_OPEN_REQUESTS;
    for (let i = 0; i < most; i++) ask('GetBlockBodies').catch(() => undefined);
    const waiting = ask('GetBlockBodies', { backpressure: 'await' });
    await Promise.resolve();
    expect(requests.callers).toBe(1);
    expect(answerBodies(1n)).toBeUndefined();
    expect(requests.callers).toBe(0);
    expect(answerBodies(BigInt(most + 1))).toBeUndefined();
    expect(await waiting).toMatchObject({ name: 'BlockBodies' });
  });

  test('of a kind that has its own places does not wait at all', async () => {
    const { ask, requests } = full();
    ask('GetReceipts', { backpressure: 'await' }).catch(() => undefined);
    await Promise.resolve();
    expect(requests.callers).toBe(0);
  });

  test('waits for 20 s at most, or its own time, and can be called off', async () => {
    const { ask, clock, requests } = full();
    const controller = new AbortController();
    const outcomes = [
      ask('GetBlockBodies', { backpressure: 'await' }),
      ask('GetBlockBodies', { backpressure: 'await', timeoutMs: 50 }),
      ask('GetBlockBodies', { backpressure: 'await', signal: controller.signal }),
    ].map((one) => one.then(String, ({ code }) => code));
    await Promise.resolve();
    expect(requests.callers).toBe(3);
    controller.abort();
    await clock.advance(50);
    expect(requests.callers).toBe(1);
    await clock.advance(DEFAULT_DEADLINES.answerMaxMs - 50);
    expect(requests.callers).toBe(0);
    expect(await Promise.all(outcomes)).toEqual([
      'ERR_SESSION_TIMEOUT',
      'ERR_SESSION_TIMEOUT',
      'ERR_SESSION_ABORTED',
    ]);
  });

  test('leaves what is left of its own time to the answer', async () => {
    const { ask, clock, outgoing, sink } = full();
    const asked = ask('GetBlockBodies', { backpressure: 'await', timeoutMs: 1_000 }).then(
      String,
      ({ code }) => `${code} ${clock.now()}`,
    );
    await clock.advance(400);
    sink.open = true;
    outgoing.drained();
    await clock.advance(1_000);
    expect(await asked).toBe('ERR_SESSION_TIMEOUT 1000');
  });

  test('hears of the end; and there are only so many', async () => {
    const { ask, requests, clock } = full();
    const outcomes = Array.from({ length: MAX_WAITING_CALLERS + 1 }, () =>
      ask('GetBlockBodies', { backpressure: 'await' }).then(String, ({ code }) => code),
    );
    await Promise.resolve();
    expect(requests.callers).toBe(MAX_WAITING_CALLERS);
    expect(requests.waiting).toBeGreaterThan(MAX_WAITING_CALLERS);
    requests.end(new SessionNotActive('s1'));
    const codes = await Promise.all(outcomes);
    expect(codes.at(-1)).toBe('ERR_SESSION_QUEUE_FULL');
    expect(new Set(codes.slice(0, -1))).toEqual(new Set(['ERR_SESSION_NOT_ACTIVE']));
    expect(requests.callers).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('an answer', () => {
  test.each([0n, 2n, 2n ** 64n - 1n])('P9: with id %s that nobody asked for is a breach', (id) => {
    const { bodies, answerBodies } = inflight();
    bodies().catch(() => undefined);
    expect(answerBodies(id)).toMatchObject({ code: 'ERR_SESSION_ANSWER_UNASKED', reason: 2 });
  });

  test('P9: a second one to the same request is a breach', async () => {
    const { bodies, answerBodies } = inflight();
    const asked = bodies();
    expect(answerBodies(1n)).toBeUndefined();
    expect(answerBodies(1n)).toMatchObject({ code: 'ERR_SESSION_ANSWER_UNASKED' });
    await asked;
  });

  test('P9: another message than was asked for is a breach, before or after the deadline', () => {
    const { bodies, ask, answer, clock } = inflight();
    bodies().catch(() => undefined);
    const headers = { name: 'BlockHeaders', requestId: 1n, headers: [] } as const;
    const receipts = { name: 'Receipts', requestId: 1n, blocks: [] } as const;
    ask('GetReceipts').catch(() => undefined);
    for (let deadlines = 0; deadlines < 2; deadlines++) {
      // no answer of this kind can be right: its id is not even looked at
      expect(answer('BlockHeaders', headers)).toMatchObject({ code: 'ERR_SESSION_ANSWER_UNASKED' });
      expect(answer('Receipts', receipts)).toMatchObject({ code: 'ERR_SESSION_ANSWER_MISMATCH' });
      clock.advanceNow(30_000);
    }
  });

  test('P10: with more items than were asked for cannot be read', () => {
    const { bodies, answerBodies, requests, take } = inflight();
    bodies(2).catch(() => undefined);
    expect(() => answerBodies(1n, 3)).toThrowError(expect.objectContaining({ code: 'ERR_ETH_DECODE' }));
    requests
      .ask({
        name: 'GetBlockHeaders',
        requestId: 0n,
        query: { origin: 1n, amount: 1n, skip: 0n, reverse: false },
      })
      .catch(() => undefined);
    const header = Uint8Array.of(0xc0);
    const two = spec('BlockHeaders').encode({
      name: 'BlockHeaders',
      requestId: 2n,
      headers: [header, header],
    });
    expect(() => take('BlockHeaders', arrived(two))).toThrowError(
      expect.objectContaining({ code: 'ERR_ETH_DECODE' }),
    );
  });

  test('S4: with a made-up id is refused before anything in it is looked at', () => {
    const { bodies, take } = inflight();
    bodies().catch(() => undefined);
    const tenMiB = new Uint8Array(10 * 1024 * 1024).fill(0x01);
    tenMiB.set([0xfa, 0x9f, 0xff, 0xfc, 0x63]); // the list prefix, then request id 99, then millions of one-byte items
    const message = arrived(tenMiB);
    expect(take('BlockBodies', message)).toMatchObject({
      code: 'ERR_SESSION_ANSWER_UNASKED',
    });
    expect(message.opened).toBe(0);
  });

  test('S4: that nobody waits for any more is not looked at either', async () => {
    const { clock, bodies, requests, breaches, take } = inflight();
    bodies().catch(() => undefined);
    await clock.advance(20_000);
    const late = arrived(Uint8Array.of(0xc3, 0x01, 0x01, 0x01)); // not even a list of bodies
    expect(take('BlockBodies', late)).toBeUndefined();
    expect(late.opened).toBe(0);
    expect(requests.size).toBe(0);
    expect(breaches).toEqual([]);
  });

  test('is expected only while a request of its kind is open', async () => {
    const { bodies, answerBodies, requests } = inflight();
    expect(requests.expects(spec('BlockBodies'))).toBe(false);
    const asked = bodies();
    expect(requests.expects(spec('BlockBodies'))).toBe(true);
    expect(requests.expects(spec('BlockHeaders'))).toBe(false);
    answerBodies(1n);
    await asked;
    expect(requests.expects(spec('BlockBodies'))).toBe(false);
  });

  test('settles its request exactly once, in whatever order answers, deadlines and aborts come', async () => {
    const steps = fc.array(fc.oneof(fc.nat(5), fc.constantFrom('ask', 'abort', 'wait')), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const { bodies, answerBodies, clock, requests } = inflight();
        const settled: number[] = [];
        const aborts: AbortController[] = [];
        for (const step of script) {
          if (step === 'ask') {
            const abort = new AbortController();
            const index = aborts.push(abort) - 1;
            settled[index] = 0;
            const count = (): void => {
              settled[index] = (settled[index] ?? 0) + 1;
            };
            bodies(1, { signal: abort.signal }).then(count, count);
          } else if (step === 'abort') aborts.find(({ signal }) => !signal.aborted)?.abort();
          else if (step === 'wait') clock.advanceNow(3_000);
          else answerBodies(BigInt(step));
        }
        requests.end(new SessionNotActive('s1'));
        await new Promise((resolve) => setImmediate(resolve));
        expect(settled.every((times) => times === 1)).toBe(true);
        expect(requests.size).toBe(0);
        expect(clock.pendingTimers).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});

describe('the time an answer may take', () => {
  test('begins at 20 s, settles at three round trips, and stays between 2 and 20 s', () => {
    let timeoutMs = 20_000;
    for (let i = 0; i < 200; i++) timeoutMs = nextTimeoutMs(timeoutMs, 1_000, 2_000, 20_000);
    expect(timeoutMs).toBeCloseTo(3_000, 0);
    for (let i = 0; i < 200; i++) timeoutMs = nextTimeoutMs(timeoutMs, 1, 2_000, 20_000);
    expect(timeoutMs).toBe(2_000);
    for (let i = 0; i < 200; i++) timeoutMs = nextTimeoutMs(timeoutMs, 60_000, 2_000, 20_000);
    expect(timeoutMs).toBe(20_000);
  });

  test('is known for each kind of request by itself, and learnt from late answers, too', async () => {
    const { bodies, answerBodies, clock, requests } = inflight();
    for (let i = 1; i <= 60; i++) {
      const asked = bodies(1);
      clock.advanceNow(50);
      answerBodies(BigInt(i));
      await asked;
    }
    expect(requests.roundTrips.timeoutMs('GetBlockBodies')).toBe(2_000);
    expect(requests.roundTrips.timeoutMs('GetReceipts')).toBe(20_000);
    expect(requests.roundTrips.lastMs).toBe(50);
    const late = bodies(1);
    const outcome = expect(late).rejects.toMatchObject({ code: 'ERR_SESSION_TIMEOUT' });
    clock.advanceNow(60_000);
    await outcome;
    answerBodies(61n);
    expect(requests.roundTrips.timeoutMs('GetBlockBodies')).toBeGreaterThan(2_000);
  });

  test('is not moved by one odd sample out of its bounds', () => {
    const trips = new RoundTrips(DEFAULT_DEADLINES);
    trips.sample('GetReceipts', 0);
    expect(trips.timeoutMs('GetReceipts')).toBe(18_000);
  });
});
