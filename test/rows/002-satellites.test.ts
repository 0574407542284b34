import { describe, expect, test } from 'vitest';
import { ethProtocol } from '../../src/eth/index.js';
import { packMessage } from '../../src/rlpx/index.js';
import type {
  BroadcastMessage,
  CapabilityChannel,
  CloseCause,
  SatelliteHandler,
  SatelliteProtocol,
  Session,
} from '../../src/session/index.js';
import { defineProtocol } from '../../src/session/index.js';
import { hash, item, noise, Town } from '../support/rows-town.js';

interface Talk {
  readonly protocol: SatelliteProtocol;
  readonly opened: { readonly session: Session; readonly channel: CapabilityChannel }[];
  readonly heard: string[];
  readonly closed: CloseCause[];
  rooms: number;
}

/** A protocol of three messages that writes down what it hears. */
function talk(
  options: Partial<SatelliteProtocol> & { readonly handler?: Partial<SatelliteHandler> } = {},
): Talk {
  const { handler, ...rest } = options;
  const own: Talk = {
    opened: [],
    heard: [],
    closed: [],
    rooms: 0,
    protocol: {
      ...{ name: 'chat', version: 1, length: 3 },
      onSession: (session, channel) => {
        own.opened.push({ session, channel });
        return {
          message: (id, payload) => {
            own.heard.push(`${id}: ${new TextDecoder().decode(payload.subarray(0, 20))}`);
          },
          room: () => {
            own.rooms++;
          },
          closed: (cause) => cause && own.closed.push(cause),
          ...handler,
        };
      },
      ...rest,
    },
  };
  return own;
}

const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const ETH_69 = { name: 'eth', version: 69, length: ethProtocol(69).length };
const CHAT = { name: 'chat', version: 1, length: 3 };

describe('002.9: protocols beside eth, on the same connection', () => {
  test('002.9: two nodes talk to each other in a protocol of their own while eth goes on', async () => {
    const town = new Town();
    const [left, right] = [talk(), talk()];
    const { ab, ba } = await town.pair(
      { capabilities: [left.protocol] },
      {
        capabilities: [right.protocol],
        serve: async () => ({ name: 'BlockHeaders', requestId: 0n, headers: [item(3)] }),
      },
    );
    expect(left.opened.map(({ session }) => session)).toEqual([ab]);
    expect(ab.capability('chat')).toBe(left.opened[0]?.channel);
    expect(ab.capability('chat')?.send(2, text('hello'))).toBe('sent');
    expect(ba.capability('chat')?.send(0, packMessage(0, text('you there')))).toBe('sent');
    const query = { origin: 1n, amount: 1n, skip: 0n, reverse: false };
    expect(await town.clock.settle(ab.eth.getBlockHeaders(query))).toEqual([item(3)]);
    await town.clock.advance(100);
    expect(right.heard).toEqual(['2: hello']);
    expect(left.heard).toEqual(['0: you there']);
    ab.disconnect();
    await town.clock.advance(100);
    for (const { closed } of [left, right]) expect(closed.map(({ outcome }) => outcome)).toEqual(['closed']);
    expect(() => ab.capability('chat')?.send(0, text('too late'))).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_NOT_ACTIVE' }),
    );
  });

  test('002.9: the interface is the same where only eth is spoken, and raw messages of it go both ways', async () => {
    const town = new Town();
    const gossip: string[] = [];
    const { ab } = await town.pair(
      { ethVersions: [69] },
      {
        ethVersions: [69],
        capabilities: [talk().protocol],
        gossip: ({ name }) => gossip.push(name),
      },
    );
    expect(ab.capability('chat')).toBeUndefined();
    const eth = ab.capability('eth');
    expect(eth).toMatchObject(ETH_69);
    const transactions = ethProtocol(69).byName.get('Transactions');
    const payload = transactions?.encode({ name: 'Transactions', transactions: [item(5)] });
    if (payload === undefined || transactions === undefined) throw new Error('no payload');
    expect(eth?.send(transactions.id, payload)).toBe('sent');
    await town.clock.advance(100);
    expect(gossip).toEqual(['Transactions']);
    // a raw question would have nobody to take its answer
    for (const id of [0, 3, 4, 99])
      expect(() => eth?.send(id, payload)).toThrow(expect.objectContaining({ code: 'ERR_SESSION_ARGUMENT' }));
  });

  test('002.9: the highest version in common is opened, by the handler of that version', async () => {
    const town = new Town();
    const versions = [1, 2, 3].map((version) => talk({ version }));
    const { ba } = await town.pair(
      { capabilities: [talk({ version: 2 }).protocol, talk({ version: 1 }).protocol] },
      { capabilities: versions.map(({ protocol }) => protocol) },
    );
    expect(versions.map(({ opened }) => opened.length)).toEqual([0, 1, 0]);
    expect(ba.capability('chat')?.version).toBe(2);
  });

  test('002.9: what comes before Status is heard once the session is active, in its order', async () => {
    const town = new Town();
    const chat = talk();
    const node = await town.node({ capabilities: [chat.protocol] });
    const { session } = await town.caller(node, { capabilities: [ETH_69, CHAT], holdBack: ['status'] });
    await town.clock.advance(100);
    session.sendRaw(0, text('one'), 'chat');
    session.sendRaw(1, text('two'), 'chat');
    await town.clock.advance(100);
    expect(chat.opened).toEqual([]);
    session.release();
    session.sendRaw(2, text('three'), 'chat');
    await town.clock.advance(100);
    expect(chat.heard).toEqual(['0: one', '1: two', '2: three']);
    expect(chat.opened[0]?.session.state).toBe('active');
  });

  test('002.9: a peer that shares only the protocol beside eth is turned away with reason 3', async () => {
    const town = new Town();
    const node = await town.node({ capabilities: [talk().protocol] });
    const { session } = await town.caller(node, { capabilities: [CHAT] });
    await town.clock.advance(100);
    expect(await session.ended).toMatchObject({ by: 'remote', reason: 3 });
    expect(node.causes).toMatchObject([{ outcome: 'cancelled', by: 'policy', code: 'ERR_SESSION_NO_ETH' }]);
  });

  test('002.9: unless the node does not require eth: then there is a session without it', async () => {
    const town = new Town();
    const chat = talk();
    const node = await town.node({ capabilities: [chat.protocol], requireEth: false });
    const { session, peer } = await town.caller(node, { capabilities: [CHAT] });
    await town.clock.advance(100);
    const ours = node.manager.getByPeer(peer.publicKey);
    if (ours === undefined) throw new Error(node.told.join());
    session.sendRaw(1, text('hello'), 'chat');
    ours.capability('chat')?.send(2, text('welcome'));
    const heard = await town.clock.settle(
      session.expectRaw(({ capability, id }) => capability === 'chat' && id === 2),
    );
    expect(new TextDecoder().decode(heard.payload)).toBe('welcome');
    expect(chat.heard).toEqual(['1: hello']);
    expect(ours.capability('eth')).toBeUndefined();
    expect(ours.describe().ethVersion).toBeUndefined();
    const unsupported = { code: 'ERR_SESSION_UNSUPPORTED' };
    expect(() => ours.eth.version).toThrow(expect.objectContaining(unsupported));
    expect(() => ours.eth.send({ name: 'Transactions', transactions: [] })).toThrow(
      expect.objectContaining(unsupported),
    );
    await expect(ours.eth.getBlockBodies([hash(1)])).rejects.toMatchObject(unsupported);
    expect(node.manager.broadcast({ name: 'Transactions', transactions: [item(5)] })).toMatchObject([
      { outcome: 'unsupported', items: 0 },
    ]);
    node.manager.announceRange();
    await town.clock.settle(ours.close());
    expect(chat.closed).toHaveLength(1);
  });

  test('002.9: a message that is too large, or none, ends this session and no other', async () => {
    const town = new Town();
    const chat = talk({ maxBytes: [8, undefined, 100] });
    const node = await town.node({ capabilities: [chat.protocol] });
    const wrongs = [
      { id: 0, payload: noise(9), code: 'ERR_SESSION_MESSAGE_SIZE' },
      { id: 1, payload: noise(1), code: 'ERR_SESSION_MESSAGE_UNKNOWN' },
    ];
    const bystander = await town.guest(node, { capabilities: [ETH_69, CHAT] });
    for (const { id, payload, code } of wrongs) {
      const { session, ours } = await town.guest(node, { capabilities: [ETH_69, CHAT] });
      session.sendRaw(0, noise(8), 'chat');
      session.sendRaw(id, payload, 'chat');
      expect(await town.clock.settle(ours.ended)).toMatchObject({ code, by: 'local', reasonSent: 2 });
    }
    expect(chat.heard).toHaveLength(2);
    expect(bystander.ours.state).toBe('active');
  });

  test('002.9: a handler that throws hurts nobody, one that cannot open ends its session before it is active', async () => {
    const town = new Town();
    const faulty = talk({
      handler: {
        message: () => {
          throw new Error('faulty');
        },
      },
    });
    const node = await town.node({ capabilities: [faulty.protocol] });
    const { session, ours } = await town.guest(node, { capabilities: [ETH_69, CHAT] });
    session.sendRaw(0, text('x'), 'chat');
    await town.clock.advance(100);
    expect(ours.state).toBe('active');

    const closed = talk({
      onSession: () => {
        throw new Error('not now');
      },
    });
    const other = await town.node({ capabilities: [closed.protocol] });
    await town.caller(other, { capabilities: [ETH_69, CHAT] });
    await town.clock.advance(100);
    expect(other.told.filter((line) => line.startsWith('activated'))).toEqual([]);
    expect(other.causes).toMatchObject([{ outcome: 'faulted', says: expect.stringContaining('not now') }]);
    expect(other.manager.count().activeInbound).toBe(0);
  });

  test('002.9: a peer that does not read fills one lane, which the sender is told, and again when there is room', async () => {
    const town = new Town();
    const chat = talk();
    const node = await town.node({ capabilities: [chat.protocol] });
    const { session } = await town.guest(node, { capabilities: [ETH_69, CHAT] });
    const channel = chat.opened[0]?.channel;
    session.stall();
    const load = noise(10_000);
    let taken = 0;
    const fill = (): void => {
      for (; taken < 1_000; taken++) channel?.send(0, load);
    };
    for (let i = 0; i < 100 && channel?.waiting.items === 0; i++) {
      channel.send(0, load);
      taken++;
      await town.clock.advance(1);
    }
    expect(fill).toThrow(expect.objectContaining({ code: 'ERR_SESSION_QUEUE_FULL' }));
    expect(channel?.waiting.bytes).toBeGreaterThan(1_000_000);
    expect(channel?.waiting.bytes).toBeLessThanOrEqual(1024 * 1024);
    expect(chat.rooms).toBe(0);
    session.goOn();
    await town.clock.advance(5_000);
    expect(chat.rooms).toBe(1);
    expect(channel?.waiting).toEqual({ items: 0, bytes: 0 });
    expect(session.heard.filter(({ capability }) => capability === 'chat')).toHaveLength(taken);
  });

  test('002.9: a protocol that is registered later is offered to whoever comes then, until it is taken back', async () => {
    const town = new Town();
    const node = await town.node();
    const before = await town.guest(node, { capabilities: [ETH_69, CHAT] });
    const takeBack = node.manager.registerProtocol(talk().protocol);
    const during = await town.guest(node, { capabilities: [ETH_69, CHAT] });
    takeBack();
    const after = await town.guest(node, { capabilities: [ETH_69, CHAT] });
    expect([before, during, after].map(({ ours }) => ours.capability('chat') !== undefined)).toEqual([
      false,
      true,
      false,
    ]);
    expect(() => node.manager.registerProtocol(talk({ length: 0 }).protocol)).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_ARGUMENT' }),
    );
  });
});

describe('002.9: what one protocol does leaves the others alone', () => {
  const query = { origin: 1n, amount: 1n, skip: 0n, reverse: false };
  const header = async () => ({ name: 'BlockHeaders' as const, requestId: 0n, headers: [item(3)] });
  const endless = Number.POSITIVE_INFINITY;

  /** The longest that one of so many requests takes, one after the other, 20 ms apart. */
  async function slowest(town: Town, session: Session, count: number): Promise<number> {
    let most = 0;
    for (let i = 0; i < count; i++) {
      const began = town.clock.now();
      await town.clock.settle(session.eth.getBlockHeaders(query));
      most = Math.max(most, town.clock.now() - began);
      await town.clock.advance(20);
    }
    return most;
  }

  test('002.9: a flood of one never delays eth: what is beyond its budget waits, then the flooder goes', async () => {
    const town = new Town();
    const budget = { messagesPerSecond: 100, burstMs: 1_000, heldMessages: 300 };
    const chat = talk({ budget });
    const node = await town.node({ capabilities: [chat.protocol], serve: header });
    const told: string[] = [];
    node.manager.on('quota', ({ verdict, error }) =>
      told.push(`${verdict.step} ${verdict.protocol} ${error.message}`),
    );
    const flooder = await town.guest(node, { capabilities: [ETH_69, CHAT] });
    flooder.session.respond('GetBlockHeaders', () => ({ name: 'BlockHeaders', requestId: 0n, headers: [] }));
    const quiet = await slowest(town, flooder.ours, 5);
    for (let i = 0; i < 350; i++) flooder.session.sendRaw(0, text(`${i}`), 'chat');
    const flooded = await slowest(town, flooder.ours, 5);
    expect(flooded).toBeLessThanOrEqual(quiet + 1);
    expect(told.map((line) => line.split(' ').slice(0, 2))).toEqual([['throttle', 'chat']]);
    expect(chat.heard.length).toBeLessThan(150);
    expect(flooder.ours.describe().usage?.throttlings).toBe(0); // nothing of it is charged to eth
    await town.clock.advance(4_000);
    expect(chat.heard).toEqual(Array.from({ length: 350 }, (_, i) => `0: ${i}`));

    for (let i = 0; i < 600; i++) flooder.session.sendRaw(0, text(`${i}`), 'chat');
    const cause = await town.clock.settle(flooder.ours.ended);
    expect(cause).toMatchObject({ by: 'policy', code: 'ERR_SESSION_QUOTA', reasonSent: 0 });
    expect(told.at(-1)).toContain('close chat');
    expect(told.at(-1)).toContain('exceeded heldMessages of chat: it is closed');
  });

  test('002.9: a flood of our own on one never delays eth', async () => {
    const link = { bytesPerSecond: 1_000_000, latencyMs: 5 };
    const measure = async (flood: boolean): Promise<number> => {
      const town = new Town(1, { link });
      const { ab } = await town.pair(
        { capabilities: [talk().protocol], serve: header },
        { capabilities: [talk({ budget: { bytesPerSecond: endless } }).protocol], serve: header },
      );
      const channel = ab.capability('chat');
      const load = noise(2_000);
      const pour = (): void => {
        if (channel === undefined) throw new Error('no chat');
        for (;;) {
          try {
            channel.send(0, load);
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_SESSION_QUEUE_FULL' });
            return;
          }
        }
      };
      let most = 0;
      for (let i = 0; i < 20; i++) {
        if (flood) pour();
        const began = town.clock.now();
        await town.clock.settle(ab.eth.getBlockHeaders(query));
        most = Math.max(most, town.clock.now() - began);
        await town.clock.advance(20);
      }
      return most;
    };
    // what the socket holds already, a quarter of a second of this line, is ahead of us; the half in our lane is not
    const [quiet, flooded] = [await measure(false), await measure(true)];
    expect(flooded - quiet).toBeLessThan(350);
  });

  test('002.9: a flood of questions on eth never delays a protocol beside it', async () => {
    const town = new Town();
    const chat = talk();
    const node = await town.node({
      capabilities: [chat.protocol],
      serve: () => new Promise(() => undefined),
    });
    const { session, ours } = await town.guest(node, { capabilities: [ETH_69, CHAT] });
    const latency = async (): Promise<number> => {
      const [began, before] = [town.clock.now(), chat.heard.length];
      session.sendRaw(0, text('now'), 'chat');
      for (let ms = 0; ms < 1_000 && chat.heard.length === before; ms++) await town.clock.advance(1);
      return town.clock.now() - began;
    };
    const quiet = await latency();
    for (let requestId = 0n; requestId < 500n; requestId++)
      session.send({ name: 'GetBlockHeaders', requestId, query });
    expect(await latency()).toBeLessThanOrEqual(quiet + 5);
    expect(ours.describe().queues).toMatchObject({ serving: 4, parked: { items: 64 } });
  });

  test('002.9: answers without end never starve a protocol beside eth', async () => {
    const town = new Town(1, { link: { bytesPerSecond: 1_000_000, latencyMs: 5 } });
    const big = item(100_000);
    const left = talk();
    const node = await town.node({
      capabilities: [left.protocol],
      serve: async () => ({ name: 'BlockHeaders', requestId: 0n, headers: [big] }),
    });
    const { session, ours } = await town.guest(node, { capabilities: [ETH_69, CHAT] });
    const ask = (requestId: bigint): void => session.send({ name: 'GetBlockHeaders', requestId, query });
    let asked = 0n;
    for (; asked < 40n; asked++) ask(asked);
    await town.clock.advance(300);
    // the lanes are full, and each answer that leaves makes room for the next: there is always one before chat
    expect(ours.describe().queues?.responses.items).toBeGreaterThan(0);
    const began = town.clock.now();
    expect(ours.capability('chat')?.send(0, text('may I?'))).toBe('queued');
    let answered = 0;
    const heard = await town.clock.settle(session.expectRaw(({ capability }) => capability === 'chat'));
    answered = session.heard.filter(({ message }) => message?.name === 'BlockHeaders').length;
    expect(new TextDecoder().decode(heard.payload)).toBe('may I?');
    expect(town.clock.now() - began).toBeLessThan(1_500);
    expect(answered).toBeLessThan(20);
  });

  test('002.9: what waits beyond a budget waits while the session is paused, and goes on with it', async () => {
    const town = new Town();
    const chat = talk({ budget: { messagesPerSecond: 10, burstMs: 1_000 } });
    const node = await town.node({ capabilities: [chat.protocol] });
    const { session, ours } = await town.guest(node, { capabilities: [ETH_69, CHAT] });
    for (let i = 0; i < 30; i++) session.sendRaw(0, text(`${i}`), 'chat');
    await town.clock.advance(100);
    ours.pause();
    const before = chat.heard.length;
    expect(before).toBeLessThan(15);
    expect(ours.describe().queues?.satellitesHeld.items).toBe(30 - before);
    await town.clock.advance(10_000);
    expect(chat.heard).toHaveLength(before);
    ours.resume();
    await town.clock.advance(5_000);
    expect(chat.heard).toEqual(Array.from({ length: 30 }, (_, i) => `0: ${i}`));
    expect(ours.describe().queues?.satellitesHeld).toEqual({ items: 0, bytes: 0 });
  });

  test('002.9: a protocol that wants less of what waits to be sent is told so sooner', async () => {
    const town = new Town();
    const chat = talk({ budget: { queuedMessages: 5, queuedBytes: 30_000 } });
    const node = await town.node({ capabilities: [chat.protocol] });
    const { session } = await town.guest(node, { capabilities: [ETH_69, CHAT] });
    const channel = chat.opened[0]?.channel;
    if (channel === undefined) throw new Error('no chat');
    session.stall();
    const fill = (load: Uint8Array): void => {
      for (;;) channel.send(0, load);
    };
    while (channel.waiting.items === 0) {
      channel.send(0, noise(10_000));
      await town.clock.advance(1);
    }
    const full = expect.objectContaining({ code: 'ERR_SESSION_QUEUE_FULL' });
    expect(() => fill(noise(10_000))).toThrow(full);
    expect(channel.waiting).toEqual({ items: 3, bytes: 30_000 });
    expect(() => fill(noise(0))).toThrow(full);
    expect(channel.waiting).toEqual({ items: 5, bytes: 30_000 });
    session.goOn();
    await town.clock.advance(5_000);
    expect(chat.rooms).toBe(1);
  });

  test('002.9: a handler that never ends closes its protocol on its session, and eth goes on', async () => {
    const town = new Town();
    const closed: (CloseCause | undefined)[] = [];
    const hanging = talk({
      handler: { message: () => new Promise(() => undefined), closed: (cause) => closed.push(cause) },
    });
    const node = await town.node({ capabilities: [hanging.protocol] });
    const told: string[] = [];
    node.manager.on('satelliteClosed', ({ session, name, error }) =>
      told.push(`${session.id} ${name} ${error.code}`),
    );
    const { session, ours } = await town.guest(node, { capabilities: [ETH_69, CHAT] });
    session.respond('GetBlockHeaders', () => ({ name: 'BlockHeaders', requestId: 0n, headers: [] }));
    session.sendRaw(0, text('x'), 'chat');
    await town.clock.advance(31_000);
    expect(told).toEqual([`${ours.id} chat ERR_SESSION_HANDLER`]);
    expect(closed).toEqual([undefined]);
    expect(ours.capability('chat')).toBeUndefined();
    session.sendRaw(0, text('y'), 'chat');
    expect(await town.clock.settle(ours.eth.getBlockHeaders(query))).toEqual([]);
    expect(ours.state).toBe('active');
  });

  test('002.9: values instead of bytes, where the protocol has a table of its messages', async () => {
    const town = new Town();
    interface Sum {
      readonly add: number;
      readonly total: string;
    }
    const totals: string[] = [];
    const sum = (): SatelliteProtocol =>
      defineProtocol<Sum>({
        ...{ name: 'sum', version: 1, length: 4 },
        messages: {
          add: {
            id: 3,
            encode: (value) => Uint8Array.of(value),
            decode: ([value]) => {
              if (value === undefined) throw new RangeError('nothing to add');
              return value;
            },
          },
          total: { id: 0, encode: text, decode: (payload) => new TextDecoder().decode(payload) },
        },
        onSession: (_, channel) => {
          let total = 0;
          return {
            on: {
              add: (value) => {
                total += value;
                channel.send('total', `${total}`);
              },
              total: (value) => void totals.push(value),
            },
          };
        },
      });
    const node = await town.node({ capabilities: [sum()] });
    const wanted = { name: 'sum', version: 1, length: 4 };
    const { session, ours } = await town.guest(node, { capabilities: [ETH_69, wanted] });
    for (const value of [2, 3, 250]) session.sendRaw(3, Uint8Array.of(value), 'sum');
    await town.clock.advance(100);
    const said = session.heard.filter(({ capability }) => capability === 'sum');
    expect(said.map(({ payload }) => new TextDecoder().decode(payload))).toEqual(['2', '5', '255']);
    session.sendRaw(3, new Uint8Array(0), 'sum');
    expect(await town.clock.settle(ours.ended)).toMatchObject({
      code: 'ERR_SESSION_MESSAGE_CONTENT',
      reasonSent: 2,
      says: expect.stringContaining('nothing to add'),
    });
    expect(totals).toEqual([]);
  });

  test('002.9: what a template forbids is not offered to whom we dial, and not heard from who dials us', async () => {
    const town = new Town();
    const templates = { strict: { withoutProtocols: ['chat'] } };
    const [left, right] = [talk(), talk()];
    const a = await town.node({ capabilities: [left.protocol], templates });
    const b = await town.node({ capabilities: [right.protocol] });
    const ab = await town.clock.settle(town.dial(a, b, { template: 'strict' }).active);
    await town.clock.advance(50);
    expect(ab.capability('chat')).toBeUndefined();
    expect(b.manager.active()[0]?.remote.capabilities.some(({ name }) => name === 'chat')).toBe(false);
    expect([left.opened, right.opened]).toEqual([[], []]);

    const node = await town.node({
      capabilities: [left.protocol],
      templates: { basic: { withoutProtocols: ['chat'] } },
    });
    const { session, ours } = await town.guest(node, { capabilities: [ETH_69, CHAT] });
    session.sendRaw(0, text('do you hear me?'), 'chat');
    await town.clock.advance(100);
    expect(ours.capability('chat')).toBeUndefined();
    expect(ours.state).toBe('active');
    expect(left.heard).toEqual([]);

    const alone = await town.node({
      capabilities: [left.protocol],
      requireEth: false,
      templates: { basic: { withoutProtocols: ['chat'] } },
    });
    const { session: useless } = await town.caller(alone, { capabilities: [CHAT] });
    await town.clock.advance(100);
    expect(await useless.ended).toMatchObject({ by: 'remote', reason: 3 });

    for (const withoutProtocols of [['eth'], ['ch t'], 'chat', [7]])
      expect(() =>
        town.dial(b, node, { template: { withoutProtocols: withoutProtocols as string[] } }),
      ).toThrow(
        expect.objectContaining({
          code: 'ERR_SESSION_CONFIGURATION',
          field: 'templates.own.withoutProtocols',
        }),
      );
  });

  test('002.9: ids that a protocol leaves open are a breach, or nothing where it says so', async () => {
    const town = new Town();
    const chat = talk({ maxBytes: [8, undefined, 8], unknownIds: 'ignore' });
    const node = await town.node({ capabilities: [chat.protocol] });
    const { session, ours } = await town.guest(node, { capabilities: [ETH_69, CHAT] });
    session.sendRaw(1, noise(5_000), 'chat');
    session.sendRaw(0, text('heard'), 'chat');
    await town.clock.advance(100);
    expect(chat.heard).toEqual(['0: heard']);
    expect(ours.state).toBe('active');
    session.sendFrame(16 + 3 + 18, new Uint8Array(1)); // beyond all that was agreed
    expect(await town.clock.settle(ours.ended)).toMatchObject({ code: 'ERR_RLPX_MESSAGE_ID' });
  });
});

describe('002.10: broadcasts', () => {
  const announce = (...bytes: number[]): BroadcastMessage => ({
    name: 'NewPooledTransactionHashes',
    types: new Uint8Array(bytes.length).fill(2),
    sizes: bytes.map((byte) => 100 + byte),
    hashes: bytes.map(hash),
  });

  test('002.10: one call reaches all sessions, or those that are chosen, in the words of each version', async () => {
    const town = new Town();
    const node = await town.node();
    const versions = [68, 69, 72] as const;
    const calls = [];
    for (const version of versions) calls.push(await town.guest(node, { ethVersions: [version] }));
    const all = node.manager.broadcast(announce(1, 2));
    expect(all.map(({ outcome, items, dropped }) => [outcome, items, dropped])).toEqual(
      versions.map(() => ['sent', 2, 0]),
    );
    for (const { session } of calls) {
      const { hashes } = await town.clock.settle(session.expect('NewPooledTransactionHashes'));
      expect(hashes).toEqual([hash(1), hash(2)]);
    }
    const block: BroadcastMessage = { name: 'NewBlockHashes', blocks: [{ hash: hash(9), number: 9n }] };
    expect(node.manager.broadcast(block).map(({ outcome }) => outcome)).toEqual([
      'sent',
      'unsupported',
      'unsupported',
    ]);
    const chosen = node.manager.broadcast(announce(3), { to: ({ eth }) => eth.version === 69 });
    expect(chosen.map(({ session }) => session.eth.version)).toEqual([69]);
  });

  test('002.10: nobody is told what it has said itself, or was told before', async () => {
    const town = new Town();
    const node = await town.node({ gossip: () => undefined });
    const teller = await town.guest(node, { ethVersions: [69] });
    const other = await town.guest(node, { ethVersions: [69] });
    teller.session.send(announce(1, 2));
    teller.session.send({ name: 'Transactions', transactions: [item(40)] });
    await town.clock.advance(100);
    expect(teller.ours.eth.known.size).toBe(3);
    expect(teller.ours.eth.known.has(hash(1))).toBe(true);
    const outcomes = (message: BroadcastMessage, options = {}) =>
      node.manager.broadcast(message, options).map(({ outcome, items }) => [outcome, items]);
    expect(outcomes(announce(1, 2, 3))).toEqual([
      ['sent', 1],
      ['sent', 3],
    ]);
    expect(outcomes(announce(1, 3))).toEqual([
      ['known', 0],
      ['known', 0],
    ]);
    expect(outcomes({ name: 'Transactions', transactions: [item(40), item(41)] })).toEqual([
      ['sent', 1],
      ['sent', 2],
    ]);
    expect(outcomes(announce(1), { repeat: true })).toEqual([
      ['sent', 1],
      ['sent', 1],
    ]);
    await town.clock.advance(100);
    const first = await town.clock.settle(teller.session.expect('NewPooledTransactionHashes'));
    expect(first.hashes).toEqual([hash(3)]);
    expect(first.sizes).toEqual([103]);
    const rest = await town.clock.settle(teller.session.expect('Transactions'));
    expect(rest.transactions).toEqual([item(41)]);
    expect(other.ours.describe().queues?.known).toBe(5);
  });

  test('002.10: where a peer does not read the oldest make way, and are not counted as known', async () => {
    const town = new Town();
    const node = await town.node();
    const { session, ours } = await town.guest(node, { ethVersions: [69] });
    session.stall();
    const raw = (number: number): Uint8Array => {
      const transaction = item(100_000);
      transaction.set([number], transaction.length - 1);
      return transaction;
    };
    let sent = 0;
    let number = 0;
    const say = () => {
      const [result] = node.manager.broadcast({ name: 'Transactions', transactions: [raw(number++)] });
      if (result === undefined) throw new Error('no session');
      return result;
    };
    let result = say();
    for (; result.outcome === 'sent'; result = say()) {
      sent++;
      await town.clock.advance(1);
    }
    while (result.dropped === 0 && number < 200) result = say();
    expect(result).toMatchObject({ outcome: 'queued', dropped: 1, items: 1 });
    const { broadcasts, broadcastsDropped, known } = ours.describe().queues ?? {};
    expect(broadcasts?.bytes).toBeLessThanOrEqual(4 * 1024 * 1024);
    expect(broadcastsDropped).toBe(1);
    expect(known).toBe(number - 1);
    // the one that made way is new to the peer, and the next one to wait
    const [again] = node.manager.broadcast({ name: 'Transactions', transactions: [raw(sent)] });
    expect(again?.outcome).toBe('queued');
    expect(node.manager.broadcast({ name: 'Transactions', transactions: [raw(0)] })).toMatchObject([
      { outcome: 'known' },
    ]);
  });

  test('002.10: announcements that wait for a peer leave in one message', async () => {
    const town = new Town();
    const node = await town.node();
    const { session } = await town.guest(node, { ethVersions: [69] });
    session.stall();
    for (let i = 0; i < 10; i++) {
      node.manager.broadcast({ name: 'Transactions', transactions: [item(100_000 + i)] });
      await town.clock.advance(1);
    }
    for (let byte = 1; byte <= 50; byte++) node.manager.broadcast(announce(byte));
    session.goOn();
    await town.clock.advance(2_000);
    const announcements = session.heard.filter(
      ({ message }) => message?.name === 'NewPooledTransactionHashes',
    );
    expect(announcements).toHaveLength(1);
    expect(announcements[0]?.message).toMatchObject({
      hashes: Array.from({ length: 50 }, (_, i) => hash(i + 1)),
    });
  });

  test('002.10: a session that is being closed or may not be told gets nothing, and what is no broadcast is refused', async () => {
    const town = new Town();
    const node = await town.node({
      templates: { quiet: { permissions: { sendTransactions: false } } },
    });
    const other = await town.node({ serve: () => new Promise(() => undefined) });
    const session = await town.clock.settle(town.dial(node, other, { template: 'quiet' }).active);
    expect(node.manager.broadcast(announce(1))).toMatchObject([{ outcome: 'forbidden' }]);
    session.eth.getBlockBodies([hash(1)]).catch(() => undefined);
    void session.close();
    expect(node.manager.broadcast(announce(1))).toMatchObject([{ outcome: 'closing' }]);
    const range = { name: 'BlockRangeUpdate', earliest: 0n, latest: 1n, latestHash: hash(1) };
    expect(() => node.manager.broadcast(range as unknown as BroadcastMessage)).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_ARGUMENT' }),
    );
  });
});
