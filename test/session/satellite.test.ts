import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type IncomingMessage, packMessage, type SharedCapability } from '../../src/rlpx/index.js';
import type { CloseCause, Ending } from '../../src/session/close-cause.js';
import { deferred } from '../../src/session/deferred.js';
import { ProtocolBreach, SessionNotActive } from '../../src/session/errors.js';
import type { SatelliteVerdict, Session } from '../../src/session/index.js';
import { OPENED_PER_TURN_BYTES } from '../../src/session/opening.js';
import {
  MAX_SATELLITES,
  openFault,
  type SatelliteProtocol,
  SatelliteRegistry,
  satelliteCap,
} from '../../src/session/satellite.js';
import { MAX_UNFINISHED_BYTES, type SatelliteClosed, Satellites } from '../../src/session/satellites.js';
import { VirtualClock } from '../../src/testing/index.js';
import { recordingLogger } from '../support/session-values.js';

const chat = (options: Partial<SatelliteProtocol> = {}): SatelliteProtocol => ({
  name: 'chat',
  version: 1,
  length: 3,
  onSession: () => ({ message: () => undefined }),
  ...options,
});

describe('a registry of protocols', () => {
  test.each([
    ['a name that is none', { name: '' }, 'name of a protocol'],
    ['a name of nine characters', { name: 'ninechars' }, 'name of a protocol'],
    ['a name that peers would not read', { name: 'ch t' }, 'name of a protocol'],
    ['eth', { name: 'eth' }, 'eth is spoken'],
    ['a version that is no count', { version: -1 }, 'version'],
    ['no messages', { length: 0 }, 'length'],
    ['too many messages', { length: 257 }, 'length'],
    ['caps for other messages', { maxBytes: [1, 2] }, 'maxBytes has 2 entries'],
    ['a cap beyond a frame', { maxBytes: 2 ** 24 }, 'maxBytes 16777216'],
    ['a cap that is none', { maxBytes: [1, Number.NaN, 3] }, 'maxBytes NaN'],
    ['a rule for unknown ids that is none', { unknownIds: 'drop' as 'ignore' }, 'unknownIds'],
    ['a budget for something else', { budget: { speed: 1 } as never }, 'budget.speed'],
    ['a budget that is none', { budget: { messagesPerSecond: 0 } }, 'budget.messagesPerSecond 0'],
    ['a queue without end', { budget: { heldBytes: Number.POSITIVE_INFINITY } }, 'budget.heldBytes Infinity'],
    ['a queue beyond its lane', { budget: { queuedMessages: 257 } }, 'budget.queuedMessages 257'],
    ['no handler', { onSession: undefined as unknown as SatelliteProtocol['onSession'] }, 'has no handler'],
  ])('000.3: refuses %s, and says so', (_, options, says) => {
    const registry = new SatelliteRegistry();
    expect(() => registry.add(chat(options))).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_ARGUMENT', message: expect.stringContaining(says) }),
    );
    expect(registry.capabilities).toEqual([]);
  });

  test('has each version once, several of a name, and no more than 32', () => {
    const registry = new SatelliteRegistry();
    for (let version = 1; version <= MAX_SATELLITES; version++) registry.add(chat({ version }));
    expect(() => registry.add(chat({ version: 1 }))).toThrow('there already');
    expect(() => registry.add(chat({ version: 99 }))).toThrow('more than 32');
    expect(registry.find({ name: 'chat', version: 7 })?.version).toBe(7);
    expect(registry.find({ name: 'talk', version: 7 })).toBeUndefined();
  });

  test('takes an offer back', () => {
    const registry = new SatelliteRegistry();
    const protocol = chat();
    registry.add(protocol);
    expect(registry.remove(protocol)).toBe(true);
    expect(registry.remove(protocol)).toBe(false);
    expect(registry.capabilities).toEqual([]);
  });

  test('knows the cap of each message', () => {
    expect(satelliteCap(chat(), 2)).toBe(1024 * 1024);
    expect(satelliteCap(chat({ maxBytes: 7 }), 0)).toBe(7);
    expect(satelliteCap(chat({ maxBytes: [7, undefined, 9] }), 2)).toBe(9);
    for (const id of [1, 3, -1, 0.5])
      expect(satelliteCap(chat({ maxBytes: [7, undefined, 9] }), id)).toBeUndefined();
  });
});

describe('000.3: a session opens', () => {
  const eth = { name: 'eth', version: 69, length: 18, offset: 19 };
  const talk = { name: 'chat', version: 1, length: 3, offset: 16 };
  const handled = ({ name }: { name: string }): number | undefined => ({ eth: 18, chat: 3 })[name];

  test('000.3: where each capability has its handler and its range of messages', () => {
    expect(openFault([eth, talk], handled)).toBeUndefined();
    expect(openFault([], handled)).toBeUndefined();
  });

  test.each([
    ['without a handler', [eth, { ...talk, name: 'snap' }], 'snap/1 has no handler'],
    ['with a range of another length', [eth, { ...talk, length: 4 }], 'its handler has 3'],
    ['with ranges that meet', [{ ...eth, offset: 18 }, talk], 'within the messages of another'],
    ['with a name agreed twice', [talk, { ...talk, offset: 40 }], 'agreed twice'],
  ])('000.3: not %s', (_, shared, says) => {
    expect(openFault(shared, handled)).toContain(says);
  });
});

const CHAT: SharedCapability = { name: 'chat', version: 1, length: 3, offset: 16 };
const END = { outcome: 'closed' } as CloseCause;
const SESSION = {} as Session;

function satellites(
  protocol: SatelliteProtocol,
  {
    hasEth = true,
    forbidden = [] as readonly string[],
  }: { hasEth?: boolean; forbidden?: readonly string[] } = {},
) {
  const registry = new SatelliteRegistry();
  registry.add(protocol);
  const logger = recordingLogger();
  const breaches: Ending[] = [];
  const reads: boolean[] = [];
  const sent: number[] = [];
  const told: SatelliteVerdict[] = [];
  const closed: SatelliteClosed[] = [];
  const state = { over: undefined as SessionNotActive | undefined, full: false, takes: true };
  const clock = new VirtualClock();
  const all = new Satellites({
    shared: [CHAT, { name: 'eth', version: 69, length: 18, offset: 19 }],
    registry,
    outgoing: {
      satellite: (_capability, id) => {
        if (state.full) return undefined;
        sent.push(id);
        return 'sent';
      },
      satelliteGauge: () => ({ items: 0, bytes: 0 }),
    },
    ...{ clock, logger, sessionId: 's1', hasEth, forbidden },
    takes: () => state.takes,
    guard: (work) => work(),
    over: () => state.over,
    end: (ending) => breaches.push(ending),
    read: (go) => reads.push(go),
    told: (verdict) => told.push(verdict),
    closed: (what) => closed.push(what),
  });
  const take = (id: number, bytes: number, wireBytes = bytes): boolean => {
    let opened = 0;
    const message: IncomingMessage = {
      ...{ capability: CHAT, id, wireBytes, declaredBytes: bytes },
      payload: () => new Uint8Array(bytes),
      open: (_maxBytes, more) => {
        opened += more;
        return opened >= bytes;
      },
      head: () => new Uint8Array(0),
    };
    return all.take(message);
  };
  return { all, clock, logger, breaches, reads, sent, state, take, told, closed };
}

describe('protocols beside eth', () => {
  test('hand over what comes, and send what is in range', () => {
    const heard: [number, number][] = [];
    const { all, take, sent, state } = satellites(
      chat({ onSession: () => ({ message: (id, payload) => void heard.push([id, payload.length]) }) }),
    );
    all.open(SESSION);
    take(0, 5);
    take(2, 0);
    expect(heard).toEqual([
      [0, 5],
      [2, 0],
    ]);
    const channel = all.channel('chat');
    expect(channel).toMatchObject({ name: 'chat', version: 1, length: 3 });
    expect(channel?.send(1, new Uint8Array(3))).toBe('sent');
    expect(channel?.send(2, packMessage(2, new Uint8Array(3)))).toBe('sent');
    expect(sent).toEqual([1, 2]);
    expect(() => channel?.send(3, new Uint8Array(0))).toThrow('no chat/1 message 3');
    expect(() => channel?.send(1, packMessage(2, new Uint8Array(3)))).toThrow('packed as message 2');
    expect(() => channel?.send(1, new Uint8Array(1024 * 1024 + 1))).toThrow('1048576 are allowed');
    state.full = true;
    expect(() => channel?.send(1, new Uint8Array(3))).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_QUEUE_FULL' }),
    );
    state.over = new SessionNotActive('s1');
    expect(() => channel?.send(1, new Uint8Array(3))).toThrow(state.over);
    expect(all.channel('eth')).toBeUndefined();
  });

  test('a message beyond its cap, or of no known id, is a breach and reaches nobody', () => {
    let heard = 0;
    const { all, take, breaches } = satellites(
      chat({ maxBytes: [4, undefined, 8], onSession: () => ({ message: () => void heard++ }) }),
    );
    all.open(SESSION);
    take(0, 4);
    take(0, 5);
    take(1, 0);
    expect(heard).toBe(1);
    expect(breaches.map(({ code }) => code)).toEqual([
      'ERR_SESSION_MESSAGE_SIZE',
      'ERR_SESSION_MESSAGE_UNKNOWN',
    ]);
  });

  test('whatever a handler throws, now or later, is logged and nothing else', async () => {
    const { all, take, logger } = satellites(
      chat({
        onSession: () => ({
          message: (id) => {
            if (id === 0) throw new Error('now');
            return Promise.reject(new Error('later'));
          },
          room: () => {
            throw new Error('room');
          },
          closed: () => {
            throw new Error('closed');
          },
        }),
      }),
    );
    all.open(SESSION);
    take(0, 1);
    take(1, 1);
    all.room(CHAT);
    all.end(END);
    await Promise.resolve();
    expect(logger.lines.map(({ fields }) => (fields as { cause: string }).cause)).toEqual([
      'Error: now',
      'Error: room',
      'Error: closed',
      'Error: later',
    ]);
    expect(all.unfinishedBytes).toBe(0);
  });

  test('a slow handler stops reading at 1 MiB, and lets it go on', async () => {
    const { promise, resolve } = deferred<void>();
    const { all, take, reads } = satellites(chat({ onSession: () => ({ message: () => promise }) }));
    all.open(SESSION);
    for (let i = 0; i < MAX_UNFINISHED_BYTES / 256 - 1; i++) take(0, 1);
    expect(reads).toEqual([]);
    take(0, 1);
    expect(reads).toEqual([false]);
    resolve();
    await promise;
    await Promise.resolve();
    expect(reads.at(-1)).toBe(true);
    expect(all.unfinishedBytes).toBe(0);
  });

  test('each is told of the end once, if it was opened', () => {
    const told: string[] = [];
    const { all } = satellites(
      chat({
        onSession: () => ({ message: () => undefined, closed: (cause) => told.push(String(cause?.outcome)) }),
      }),
    );
    all.open(SESSION);
    all.end(END);
    all.end(END);
    expect(told).toEqual(['closed']);
    const unopened = satellites(chat());
    unopened.all.end(END);
    unopened.all.open(SESSION);
    expect(unopened.logger.lines).toEqual([]);
  });

  test('000.3: open has to return a handler', () => {
    for (const handler of [undefined, null, {}, { message: 7 }]) {
      const { all } = satellites(chat({ onSession: () => handler as never }));
      expect(() => all.open(SESSION)).toThrow('returned no handler');
    }
  });
});

describe('the budget of a protocol beside eth', () => {
  const budget = { messagesPerSecond: 10, burstMs: 1_000, heldMessages: 20 };

  function counted(options: Partial<SatelliteProtocol> = {}) {
    const heard: number[] = [];
    const message = (id: number): void => void heard.push(id);
    const parts = satellites(chat({ budget, onSession: () => ({ message }), ...options }));
    parts.all.open(SESSION);
    return { ...parts, heard };
  }

  test('a burst goes at once, what follows waits in its order, and no faster than the budget allows', async () => {
    const { all, clock, take, heard, told, breaches } = counted();
    const ids = Array.from({ length: 25 }, (_, i) => i % 3);
    for (const id of ids) take(id, 1);
    expect(heard).toHaveLength(11); // ten of the burst, and the one that owes
    expect(told).toEqual([{ step: 'throttle', protocol: 'chat', quota: 'messagesPerSecond', forMs: 100 }]);
    expect(all.held).toEqual({ items: 14, bytes: 14 * 256 });
    await clock.advance(500);
    expect(heard).toHaveLength(16);
    await clock.advance(1_000);
    expect(heard).toEqual(ids);
    expect(all.held).toEqual({ items: 0, bytes: 0 });
    expect(breaches).toEqual([]);
  });

  test('bytes are counted as messages are', async () => {
    const { clock, take, heard, told } = counted({ budget: { bytesPerSecond: 1_000, burstMs: 1_000 } });
    take(0, 3_000); // owes two seconds
    take(1, 10);
    expect(heard).toEqual([0]);
    expect(told).toMatchObject([{ step: 'throttle', quota: 'bytesPerSecond', forMs: 2_000 }]);
    await clock.advance(1_990);
    expect(heard).toEqual([0]);
    await clock.advance(20);
    expect(heard).toEqual([0, 1]);
  });

  test('one event a second tells of a peer at the edge of its budget', async () => {
    const { clock, take, told } = counted();
    for (let i = 0; i < 11; i++) take(0, 1);
    for (let i = 0; i < 100; i++) {
      await clock.advance(i % 2 === 0 ? 50 : 150);
      take(0, 1);
    }
    expect(told.length).toBeGreaterThanOrEqual(5);
    expect(told.length).toBeLessThanOrEqual(11); // in 10 s
  });

  test('who sends on while that much waits is closed with a quota, once it does not fit', () => {
    const { take, heard, told, breaches } = counted();
    for (let i = 0; i < 31; i++) take(0, 1);
    expect(breaches).toEqual([]);
    take(0, 1);
    expect(breaches).toMatchObject([{ kind: 'refused', code: 'ERR_SESSION_QUOTA', reason: 0 }]);
    expect(breaches[0]?.says).toContain('heldMessages: 20 are allowed');
    expect(told.map(({ step }) => step)).toEqual(['throttle', 'close']);
    expect(heard).toHaveLength(11);
  });

  test('bytes that wait are bounded too, but for one message alone', () => {
    const { take, breaches } = counted({ budget: { bytesPerSecond: 1, burstMs: 1, heldBytes: 1_000 } });
    take(0, 10);
    take(0, 5_000);
    expect(breaches).toEqual([]);
    take(0, 1);
    expect(breaches[0]?.says).toContain('heldBytes');
  });

  test('whatever comes when: all of it is handed over in its order, in no second more than burst and rate', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ count: fc.integer({ min: 1, max: 12 }), pauseMs: fc.integer({ min: 0, max: 900 }) }),
          {
            maxLength: 30,
          },
        ),
        async (bursts) => {
          const at: number[] = [];
          const heard: number[] = [];
          let came = 0;
          const { all, clock, take } = satellites(
            chat({
              length: 256,
              budget: { messagesPerSecond: 10, burstMs: 500, heldMessages: 1_000 },
              onSession: () => ({
                message: (id) => {
                  heard.push(id);
                  at.push(clock.now());
                },
              }),
            }),
          );
          all.open(SESSION);
          for (const { count, pauseMs } of bursts) {
            for (let i = 0; i < count; i++) take(came++ % 256, 1);
            await clock.advance(pauseMs);
          }
          await clock.advance(60_000);
          expect(heard).toEqual(Array.from({ length: came }, (_, i) => i % 256));
          // 5 of the burst, 10 of the second, and the one that owes
          for (const [i, first] of at.entries())
            expect((at[i + 16] ?? Infinity) - first).toBeGreaterThan(1_000);
          expect(clock.pendingTimers).toBe(0);
        },
      ),
      { numRuns: 50 },
    ));

  test('without a rate nothing waits', () => {
    const endless = Number.POSITIVE_INFINITY;
    const { take, heard, told } = counted({
      budget: { bytesPerSecond: endless, messagesPerSecond: endless },
    });
    for (let i = 0; i < 50_000; i++) take(0, 1_000);
    expect(heard).toHaveLength(50_000);
    expect(told).toEqual([]);
  });

  test('while the session is paused what waits waits on', async () => {
    const { all, clock, state, take, heard } = counted();
    for (let i = 0; i < 20; i++) take(0, 1);
    state.takes = false;
    await clock.advance(10_000);
    expect(heard).toHaveLength(11);
    state.takes = true;
    all.goOn();
    await clock.advance(10_000);
    expect(heard).toHaveLength(20);
  });

  test('at the end nothing is left of it, no timer either', async () => {
    const { all, clock, take, heard } = counted({
      onSession: () => ({ message: () => new Promise<void>(() => undefined) }),
    });
    for (let i = 0; i < 20; i++) take(0, 1);
    expect(clock.pendingTimers).toBe(2);
    expect(all.unfinishedBytes).toBe(11 * 256);
    all.end(END);
    expect(clock.pendingTimers).toBe(0);
    expect(all.unfinishedBytes).toBe(0);
    take(0, 1);
    await clock.advance(60_000);
    expect(heard).toEqual([]);
  });
});

describe('a handler that never ends', () => {
  const hanging = (told: (CloseCause | undefined)[] = []): SatelliteProtocol =>
    chat({
      onSession: () => ({
        message: () => new Promise<void>(() => undefined),
        closed: (cause) => void told.push(cause),
      }),
    });

  test('closes its protocol after 30 s; the session goes on and reads on', async () => {
    const told: (CloseCause | undefined)[] = [];
    const { all, clock, take, closed, breaches, reads, logger } = satellites(hanging(told));
    all.open(SESSION);
    const channel = all.channel('chat');
    await clock.advance(5_000);
    for (let i = 0; i < MAX_UNFINISHED_BYTES / 1_024; i++) take(0, 1_024);
    expect(reads).toEqual([false]);
    await clock.advance(29_999);
    expect(closed).toEqual([]);
    await clock.advance(1);
    expect(closed).toMatchObject([{ name: 'chat', version: 1, error: { code: 'ERR_SESSION_HANDLER' } }]);
    expect(reads).toEqual([false, true]);
    expect(told).toEqual([undefined]);
    expect(breaches).toEqual([]);
    expect(logger.lines).toHaveLength(1);
    expect(all.channel('chat')).toBeUndefined();
    expect(() => channel?.send(0, new Uint8Array(1))).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_HANDLER' }),
    );
    expect(take(0, 1)).toBe(false);
    all.room(CHAT);
    all.end(END);
    expect(told).toEqual([undefined]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('ends the session where nothing else is spoken, with the reason that geth gives', async () => {
    const { all, clock, take, breaches } = satellites(hanging(), { hasEth: false });
    all.open(SESSION);
    take(0, 1);
    await clock.advance(30_000);
    expect(breaches).toMatchObject([{ kind: 'fault', by: 'local', reason: 16, code: 'ERR_SESSION_HANDLER' }]);
  });

  test('is not one that is slow but done in time, however many follow each other', async () => {
    const waiting: (() => void)[] = [];
    const { all, clock, take, closed } = satellites(
      chat({
        budget: { handlerMs: 1_000 },
        onSession: () => ({ message: () => new Promise<void>((resolve) => void waiting.push(resolve)) }),
      }),
    );
    all.open(SESSION);
    for (let i = 0; i < 50; i++) {
      take(0, 1);
      await clock.advance(450);
      if (i > 0) waiting.shift()?.();
      await clock.advance(0);
    }
    expect(closed).toEqual([]);
    expect(all.unfinishedBytes).toBe(256);
    await clock.advance(1_000);
    expect(closed).toHaveLength(1);
  });
});

describe('a large message', () => {
  const MIB = 1024 * 1024;
  function large() {
    const heard: [number, number][] = [];
    const onSession: SatelliteProtocol['onSession'] = () => ({
      message: (id, payload) => void heard.push([id, payload.length]),
    });
    const made = satellites(chat({ maxBytes: 10 * MIB, onSession }));
    made.all.open(SESSION);
    const next: (() => void)[] = [];
    made.clock.soon = (run) => void next.push(run);
    const turn = (): void => {
      for (const run of next.splice(0)) run();
    };
    return { ...made, heard, turn };
  }

  test('is opened over several turns; what comes behind it waits, in its order, and no more is read meanwhile', () => {
    const { take, heard, reads, turn, all } = large();
    take(0, 3 * MIB);
    take(1, 5);
    expect(all.held.items).toBe(1);
    for (let turns = 1; turns < (3 * MIB) / OPENED_PER_TURN_BYTES; turns++) {
      expect(heard).toEqual([]);
      expect(reads).toEqual([false]);
      expect(all.unfinishedBytes).toBe(3 * MIB);
      turn();
    }
    expect(heard).toEqual([
      [0, 3 * MIB],
      [1, 5],
    ]);
    expect(reads).toEqual([false, true]);
    expect(all.unfinishedBytes).toBe(0);
    take(2, 6);
    expect(heard).toHaveLength(3);
  });

  test('waits for one before it, and for a session that is paused', () => {
    const { take, heard, reads, state, turn, all } = large();
    take(0, 2 * MIB, 100_000);
    take(1, 2 * MIB, 100_000);
    take(2, 1);
    state.takes = false;
    const turns = (2 * MIB) / OPENED_PER_TURN_BYTES - 1;
    for (let i = 0; i < turns; i++) turn();
    expect(reads).toEqual([false, true]);
    turn();
    expect(heard).toEqual([]);
    state.takes = true;
    all.goOn();
    expect(heard).toEqual([[0, 2 * MIB]]);
    for (let i = 0; i < turns; i++) turn();
    expect(heard.map(([id]) => id)).toEqual([0, 1, 2]);
    expect(all.unfinishedBytes).toBe(0);
  });

  test('is forgotten at the end', async () => {
    const { take, heard, clock, turn, all } = large();
    take(0, 5 * MIB);
    turn();
    all.end(END);
    expect(all.unfinishedBytes).toBe(0);
    turn();
    await clock.advance(60_000);
    expect(heard).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('of 1 MiB is handed over at once', () => {
    const { take, heard, reads } = large();
    take(0, MIB);
    expect(heard).toHaveLength(1);
    expect(reads).toEqual([]);
  });
});

describe('rules for what comes', () => {
  test('a handler may call it a breach, now or later: that ends the session', async () => {
    const { all, take, breaches, logger } = satellites(
      chat({
        onSession: () => ({
          message: (id) => {
            if (id === 0) throw new ProtocolBreach('no words');
            return Promise.reject(new ProtocolBreach('too many words'));
          },
        }),
      }),
    );
    all.open(SESSION);
    take(0, 1);
    take(1, 1);
    await Promise.resolve();
    await Promise.resolve();
    expect(breaches).toMatchObject([
      { kind: 'fault', reason: 2, code: 'ERR_SESSION_MESSAGE_CONTENT', says: 'chat: no words' },
      { kind: 'fault', reason: 2, code: 'ERR_SESSION_MESSAGE_CONTENT', says: 'chat: too many words' },
    ]);
    expect(logger.lines).toEqual([]);
  });

  test('unknown ids within its length are a breach, or thrown away unread where the protocol says so', () => {
    const maxBytes = [4, undefined, 8];
    const heard: number[] = [];
    const onSession: SatelliteProtocol['onSession'] = () => ({ message: (id) => void heard.push(id) });
    const tolerant = satellites(chat({ maxBytes, onSession, unknownIds: 'ignore' }));
    tolerant.all.open(SESSION);
    expect([0, 1, 2].map((id) => tolerant.take(id, 1))).toEqual([true, false, true]);
    expect(heard).toEqual([0, 2]);
    expect(tolerant.breaches).toEqual([]);
  });

  test('what the template forbids is not opened, not sent, and thrown away unread', () => {
    let opened = 0;
    const onSession = () => ({ message: () => undefined, opened: opened++ });
    const { all, take, breaches } = satellites(chat({ onSession }), { forbidden: ['chat', 'more'] });
    all.open(SESSION);
    expect(opened).toBe(0);
    expect(take(0, 1)).toBe(false);
    expect(all.channel('chat')).toBeUndefined();
    expect(breaches).toEqual([]);
  });
});
