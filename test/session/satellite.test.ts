import { describe, expect, test } from 'vitest';
import { type IncomingMessage, packMessage, type SharedCapability } from '../../src/rlpx/index.js';
import type { CloseCause, Ending } from '../../src/session/close-cause.js';
import { deferred } from '../../src/session/deferred.js';
import { SessionNotActive } from '../../src/session/errors.js';
import type { SatelliteVerdict, Session } from '../../src/session/index.js';
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
  const take = (id: number, bytes: number): boolean => {
    const message: IncomingMessage = {
      ...{ capability: CHAT, id, wireBytes: bytes, declaredBytes: bytes },
      payload: () => new Uint8Array(bytes),
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
