import { describe, expect, test } from 'vitest';
import type { CapabilityChannel, Session } from '../../src/session/index.js';
import { defineProtocol, type TypedChannel, type TypedProtocol } from '../../src/session/typed-protocol.js';

interface Count {
  readonly add: number;
  readonly words: readonly string[];
  readonly quiet: string;
}

const text = { encode: new TextEncoder(), decode: new TextDecoder() };

function counting(heard: unknown[], channels: TypedChannel<Count>[] = []): TypedProtocol<Count> {
  return {
    ...{ name: 'count', version: 2, length: 5 },
    messages: {
      add: {
        id: 3,
        maxBytes: 1,
        encode: (value) => Uint8Array.of(value),
        decode: ([value]) => {
          if (value === undefined) throw new RangeError('nothing to add');
          return value;
        },
      },
      words: {
        id: 0,
        encode: (value) => text.encode.encode(value.join(' ')),
        decode: (payload) => text.decode.decode(payload).split(' '),
      },
      quiet: { id: 1, encode: () => new Uint8Array(0), decode: () => '' },
    },
    onSession(_session, channel) {
      channels.push(channel);
      return {
        on: { add: (value) => void heard.push(value), words: async (value) => void heard.push(value) },
      };
    },
  };
}

const SESSION = {} as Session;

function open(protocol = counting([])) {
  const sent: [number, Uint8Array | unknown][] = [];
  const channel: CapabilityChannel = {
    ...{ name: 'count', version: 2, length: 5, waiting: { items: 4, bytes: 2 } },
    send: (id, message) => {
      sent.push([id, message]);
      return 'queued';
    },
  };
  return { handler: defineProtocol(protocol).onSession(SESSION, channel), sent };
}

describe('a protocol of values', () => {
  test('is one of raw messages with the caps of its kinds; other ids are unknown', () => {
    expect(defineProtocol(counting([]))).toMatchObject({
      ...{ name: 'count', version: 2, length: 5 },
      maxBytes: [1024 * 1024, 1024 * 1024, undefined, 1, undefined],
    });
  });

  test('hands values to the function of their kind, and keeps what an asynchronous one returns', async () => {
    const heard: unknown[] = [];
    const { handler } = open(counting(heard));
    expect(handler.message(3, Uint8Array.of(7))).toBeUndefined();
    expect(handler.message(0, text.encode.encode('two words'))).toBeInstanceOf(Promise);
    expect(handler.message(1, new Uint8Array(9))).toBeUndefined(); // nobody wants to hear it
    await Promise.resolve();
    expect(heard).toEqual([7, ['two', 'words']]);
  });

  test('what does not decode is the breach of the peer, with its words', () => {
    const { handler } = open();
    expect(() => handler.message(3, new Uint8Array(0))).toThrow(
      expect.objectContaining({
        code: 'ERR_SESSION_MESSAGE_CONTENT',
        message: 'add does not decode: RangeError: nothing to add',
      }),
    );
  });

  test('sends values by the name of their kind', () => {
    const channels: TypedChannel<Count>[] = [];
    const { sent } = open(counting([], channels));
    const [channel] = channels;
    expect(channel).toMatchObject({ name: 'count', version: 2, length: 5, waiting: { items: 4, bytes: 2 } });
    expect(channel?.send('add', 9)).toBe('queued');
    expect(channel?.send('words', ['a', 'b'])).toBe('queued');
    expect(sent).toEqual([
      [3, Uint8Array.of(9)],
      [0, text.encode.encode('a b')],
    ]);
    for (const name of ['subtract', 'toString', '__proto__'])
      expect(() => channel?.send(name as 'add', 1)).toThrow(
        expect.objectContaining({ code: 'ERR_SESSION_ARGUMENT' }),
      );
  });

  test('what handlers have beside messages is passed on as it is', () => {
    const closed: unknown[] = [];
    const { handler } = open({
      ...counting([]),
      onSession: () => ({ closed: (cause) => void closed.push(cause), room: () => void closed.push('room') }),
    });
    handler.room?.();
    handler.closed?.(undefined);
    void handler.message(3, Uint8Array.of(1));
    expect(closed).toEqual(['room', undefined]);
  });

  const kind = { encode: () => new Uint8Array(0), decode: () => 0 };
  test.each([
    ['an id beyond its length', { a: { ...kind, id: 5 } }, 5, 'a has id 5'],
    ['an id that is no count', { a: { ...kind, id: 0.5 } }, 5, 'a has id 0.5'],
    ['two kinds of one id', { a: { ...kind, id: 1 }, b: { ...kind, id: 1 } }, 5, 'id 1 has two names'],
    ['no length', {}, 0, 'length'],
    ['more ids than there are', {}, 257, 'length'],
    ['a length that no array has', {}, 2 ** 40, 'length'],
  ])('is refused with %s', (_, messages, length, says) => {
    const protocol = { name: 'bad', version: 1, length, messages: messages as object, onSession: () => ({}) };
    expect(() => defineProtocol(protocol)).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_ARGUMENT', message: expect.stringContaining(says) }),
    );
  });
});
