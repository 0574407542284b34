import { describe, expect, test } from 'vitest';
import type { EthMessage } from '../../src/eth/index.js';
import { packMessage } from '../../src/rlpx/index.js';
import {
  decodeJournal,
  defineProtocol,
  encodeJournal,
  type JournalEntry,
  replayJournal,
  type SatelliteProtocol,
  type SessionManagerOptions,
  type TemplateOptions,
  type TypedChannel,
  verifyJournal,
} from '../../src/session/index.js';
import { crypto, hash, item, SECOND, Town } from '../support/rows-town.js';

const ask = (requestId: bigint): EthMessage => ({ name: 'GetBlockBodies', requestId, hashes: [hash(1)] });

/** A node with a journal, and a guest. */
async function journaled(template: TemplateOptions, options: Partial<SessionManagerOptions> = {}) {
  const town = new Town();
  const entries: JournalEntry[] = [];
  const node = await town.node({
    ethVersions: [69],
    templates: { basic: template },
    journal: { write: (_session, more) => void entries.push(...more) },
    serve: async ({ requestId }) => ({ name: 'BlockBodies', requestId, bodies: [item(5)] }),
    gossip: () => undefined,
    ...options,
  });
  const guest = await town.guest(node);
  await town.clock.advance(10);
  const since = (): string[] =>
    entries.flatMap((entry) => (entry.kind === 'message' ? [`${entry.chain} ${entry.name}`] : []));
  return { town, node, entries, since, ...guest };
}

const HEADERS = { settings: { messageLogging: 'headers' } } as const;

describe('004.3: accepted history', () => {
  test('004.3: what is refused is not appended and changes nothing, whatever it is refused for', async () => {
    const { town, session, ours, entries, since } = await journaled({
      ...HEADERS,
      permissions: { serveBodies: false },
    });
    const [before, open] = [entries.length, ours.describe().queues];
    session.send(ask(1n));
    await town.clock.settle(session.expect('BlockBodies'));
    expect(entries).toHaveLength(before);
    expect(ours.describe().queues).toEqual(open);
    session.send({ name: 'BlockBodies', requestId: 77n, bodies: [] }); // nobody asked
    expect(await town.clock.settle(ours.ended)).toMatchObject({ code: 'ERR_SESSION_ANSWER_UNASKED' });
    await town.clock.advance(100);
    expect(since()).not.toContain('in BlockBodies');
    expect(entries.at(-1)?.kind).toBe('end');
  });

  test('004.3: what is accepted is appended, in the order of its acceptance', async () => {
    const { town, session, ours, since } = await journaled(HEADERS);
    session.send(ask(1n));
    await town.clock.settle(session.expect('BlockBodies'));
    const asked = ours.eth.getBlockBodies([hash(2)]);
    const question = await town.clock.settle(session.expect('GetBlockBodies'));
    session.send({ name: 'BlockBodies', requestId: question.requestId, bodies: [] });
    await town.clock.settle(asked);
    await town.clock.advance(10);
    expect(since()).toEqual([
      ...['out Status', 'in Status', 'in GetBlockBodies', 'out BlockBodies'],
      ...['out GetBlockBodies', 'in BlockBodies'],
    ]);
  });
});

describe('004.3: protocols beside eth', () => {
  test('004.3: what they say is written down as well, alike at both ends; what breaks their rules is not', async () => {
    const town = new Town();
    const written = { outbound: [] as JournalEntry[], inbound: [] as JournalEntry[] };
    const chat: SatelliteProtocol = {
      ...{ name: 'chat', version: 1, length: 3, maxBytes: [8, 8, undefined] },
      onSession: () => ({ message: () => undefined }),
    };
    const options: Partial<SessionManagerOptions> = {
      templates: { basic: { settings: { messageLogging: 'whole' } } },
      journal: { write: ({ direction }, entries) => void written[direction].push(...entries) },
    };
    // the other end takes larger messages for right
    const { ab, ba } = await town.pair(
      { ...options, capabilities: [{ ...chat, maxBytes: 9 }] },
      { ...options, capabilities: [chat] },
    );
    ab.capability('chat')?.send(1, Uint8Array.of(7, 7));
    ba.capability('chat')?.send(0, packMessage(0, Uint8Array.of(9)));
    await town.clock.advance(100);
    ab.capability('chat')?.send(0, new Uint8Array(9));
    expect(await town.clock.settle(ba.ended)).toMatchObject({ code: 'ERR_SESSION_MESSAGE_SIZE' });
    await town.clock.advance(SECOND);
    const said = (entries: readonly JournalEntry[]): string[] =>
      entries.flatMap((entry) =>
        entry.kind === 'message' && entry.capability === 'chat/1'
          ? [`${entry.chain} ${entry.name} ${entry.payload}`]
          : [],
      );
    expect(said(written.outbound)).toEqual([
      ...['out message 1 0707', 'in message 0 09', 'out message 0 000000000000000000'],
    ]);
    expect(said(written.inbound)).toEqual(['out message 0 09', 'in message 1 0707']);
    for (const entries of Object.values(written)) {
      const { entries: read } = decodeJournal(encodeJournal(entries));
      expect(verifyJournal(read, (...parts) => crypto.keccak256(...parts))).toMatchObject({ complete: true });
      expect(replayJournal(read)).toMatchObject({ possible: true, cause: { reason: 2 } });
    }
  });

  test('004.3: what their handler refuses is not in it; what it says in return stands behind what it answers', async () => {
    const town = new Town();
    const entries: JournalEntry[] = [];
    const protocol = (on: (value: number, channel: TypedChannel<Words>) => void): SatelliteProtocol =>
      defineProtocol<Words>({
        ...{ name: 'count', version: 1, length: 1 },
        messages: {
          number: {
            id: 0,
            encode: (value) => Uint8Array.of(value),
            decode: ([value = 0]) => {
              if (value > 9) throw new Error('more than nine');
              return value;
            },
          },
        },
        onSession: (_session, channel) => ({ on: { number: (value) => on(value, channel) } }),
      });
    const { ab, ba } = await town.pair(
      { capabilities: [protocol(() => undefined)] },
      {
        capabilities: [
          protocol((value, channel) => {
            channel.send('number', value + 1);
            if (value === 5) throw new Error('a mistake of the handler is no fault of the message');
          }),
        ],
        templates: { basic: { settings: { messageLogging: 'whole' } } },
        journal: { write: (_session, more) => void entries.push(...more) },
      },
    );
    for (const value of [1, 5, 10]) ab.capability('count')?.send(0, Uint8Array.of(value));
    expect(await town.clock.settle(ba.ended)).toMatchObject({ outcome: 'faulted' });
    await town.clock.advance(SECOND);
    const said = entries.flatMap((entry) =>
      entry.kind === 'message' && entry.capability === 'count/1' ? [`${entry.chain} ${entry.payload}`] : [],
    );
    expect(said).toEqual(['in 01', 'out 02', 'in 05', 'out 06']);
    expect(replayJournal(entries)).toMatchObject({ possible: true, cause: { outcome: 'faulted' } });
  });
});

interface Words {
  readonly number: number;
}

describe('004.4: ambient signals', () => {
  const announced: EthMessage = {
    name: 'NewPooledTransactionHashes',
    types: Uint8Array.of(2),
    sizes: [100],
    hashes: [hash(7)],
  };

  test.each([false, true])(
    '004.4: pings never, announcements only where asked for: %s',
    async (ambientLogging) => {
      const { town, session, ours, since } = await journaled({
        settings: { ...HEADERS.settings, ambientLogging },
      });
      session.send(announced);
      ours.eth.send({ ...announced, hashes: [hash(8)] } as EthMessage);
      await town.clock.settle(ours.ping());
      await town.clock.advance(100);
      const ambient = ['ambient-in NewPooledTransactionHashes', 'ambient-out NewPooledTransactionHashes'];
      expect(since().slice(2).sort()).toEqual(ambientLogging ? ambient : []);
    },
  );
});

describe('004.7: replay', () => {
  test.each(['close', 'breach', 'silence', 'goodbye'] as const)(
    '004.7: a session that ended by %s, read again from its lines, comes to the same states and the same end',
    async (way) => {
      const { town, host, session, ours, entries } = await journaled({
        settings: { messageLogging: 'whole' },
      });
      session.send(ask(1n));
      await town.clock.settle(session.expect('BlockBodies'));
      ours.pause();
      ours.resume();
      if (way === 'close') ours.disconnect(3);
      else if (way === 'breach') session.sendRaw(13, Uint8Array.of(0xc0));
      else if (way === 'goodbye') session.disconnect(8);
      else town.network.freeze(host);
      const cause = await town.clock.settle(ours.ended);
      await town.clock.advance(SECOND);
      const { entries: read, torn } = decodeJournal(encodeJournal(entries));
      expect(torn).toBe(false);
      expect(verifyJournal(read, (...parts) => crypto.keccak256(...parts))).toMatchObject({
        intact: true,
        complete: true,
      });
      expect(replayJournal(read)).toEqual({
        possible: true,
        states: [
          ...['accepted', 'authenticating', 'greeting', 'verifying', 'active', 'paused', 'active'],
          cause.outcome,
        ],
        cause,
        messagesIn: 2,
        messagesOut: 2,
        openRequests: { in: 0, out: 0 },
      });
    },
  );

  test('004.7: a journal that the engine could not have written is told apart', async () => {
    const { town, session, ours, entries } = await journaled(HEADERS);
    session.send(ask(1n));
    await town.clock.settle(session.expect('BlockBodies'));
    ours.disconnect();
    await town.clock.advance(100);
    const asked = entries.findIndex((entry) => entry.kind === 'message' && entry.name === 'GetBlockBodies');
    expect(replayJournal(entries.toSpliced(asked, 1))).toMatchObject({
      possible: false,
      says: expect.stringContaining('answers nothing'),
    });
  });
});
