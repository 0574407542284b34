import { describe, expect, test } from 'vitest';
import { DISCONNECT } from '../../src/index.js';
import {
  isTerminal,
  isTransitionError,
  next,
  SESSION_EVENTS,
  SESSION_STATES,
  type SessionState,
} from '../../src/session/index.js';
import { hash, item, SECOND, Town, type TownNode } from '../support/rows-town.js';

const query = { origin: 1n, amount: 2n, skip: 0n, reverse: false };

describe('004.1: a life goes one way', () => {
  test('004.1: nothing leads out of a terminal state', () => {
    const terminal = SESSION_STATES.filter(isTerminal);
    expect(terminal).toEqual(['closed', 'cancelled', 'expired', 'faulted']);
    for (const state of terminal) {
      for (const event of SESSION_EVENTS) expect(isTransitionError(next(state, event))).toBe(true);
    }
  });

  test('004.1: an expired session stays expired, though its peer comes back', async () => {
    const town = new Town();
    const node = await town.node();
    const { session, ours, host } = await town.guest(node);
    town.network.cut(node.host, host);
    session.send({ name: 'GetBlockHeaders', requestId: 1n, query });
    await town.clock.advance(31 * SECOND);
    expect(ours.state).toBe('expired');
    const cause = await ours.ended;
    town.network.mend(node.host, host);
    await town.clock.advance(SECOND);
    expect(() => ours.resume()).toThrow(expect.objectContaining({ code: 'ERR_SESSION_NOT_ACTIVE' }));
    expect(() => ours.pause()).toThrow(expect.objectContaining({ code: 'ERR_SESSION_NOT_ACTIVE' }));
    ours.disconnect(DISCONNECT.uselessPeer);
    expect(() => ours.eth.send({ name: 'Transactions', transactions: [] })).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_EXPIRED' }),
    );
    expect([ours.state, await ours.ended]).toEqual(['expired', cause]);
    expect(ours.describe().cause).toBe(cause);
    expect(session.heard.map(({ message }) => message?.name)).not.toContain('BlockHeaders');
    expect(node.told.filter((line) => line.startsWith('closed'))).toHaveLength(1);
  });

  test('004.1: one that was closed stays so; the same peer gets a new session instead', async () => {
    const town = new Town();
    const node = await town.node();
    const target = await town.peer();
    const first = await town.clock.settle(town.dial(node, target).active);
    first.disconnect();
    await town.clock.advance(100);
    const second = await town.clock.settle(town.dial(node, target).active);
    expect([first.state, second.state]).toEqual(['closed', 'active']);
    expect(second.id).not.toBe(first.id);
    await expect(first.ping()).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_ACTIVE' });
    await town.clock.settle(second.ping());
  });
});

describe('004.2: what is accepted', () => {
  type Guest = Awaited<ReturnType<Town['guest']>>;
  const refused: [string, string, (guest: Guest, requestId: bigint) => void][] = [
    ['is not authentic', 'ERR_RLPX_MAC', ({ session }) => session.sendBytes(new Uint8Array(64))],
    ['nobody agreed on', 'ERR_RLPX_MESSAGE_ID', ({ session }) => session.sendFrame(200, Uint8Array.of(0xc0))],
    ['is not what it says', 'ERR_ETH_DECODE', ({ session }) => session.sendRaw(0x03, Uint8Array.of(0xc1, 1))],
    [
      'does not decompress',
      'ERR_RLPX_SNAPPY',
      ({ session }) => session.sendFrame(0x13, hash(255), { compress: false }),
    ],
    [
      'answers nothing',
      'ERR_SESSION_ANSWER_UNASKED',
      ({ session }, id) => session.send({ name: 'BlockHeaders', requestId: id + 1n, headers: [] }),
    ],
    [
      'answers another question',
      'ERR_SESSION_ANSWER_MISMATCH',
      ({ session, ours }, id) => {
        ours.eth.getBlockBodies([hash(1)]).catch(() => undefined);
        session.send({ name: 'BlockBodies', requestId: id, bodies: [] });
      },
    ],
    [
      'has more in it than was asked for',
      'ERR_ETH_DECODE',
      ({ session }, id) =>
        session.send({ name: 'BlockHeaders', requestId: id, headers: Array(3).fill(item(9)) }),
    ],
    [
      'came before',
      'ERR_SESSION_ANSWER_UNASKED',
      ({ session }, id) => {
        for (let i = 0; i < 2; i++) session.send({ name: 'BlockHeaders', requestId: id, headers: [] });
      },
    ],
  ];

  test.each(refused)(
    '004.2: what %s ends the session with %s, and is handed to nobody',
    async (_, code, act) => {
      const town = new Town();
      const handed: string[] = [];
      const node = await town.node({
        gossip: ({ name }) => void handed.push(name),
        serve: async ({ name }) => void handed.push(name),
      });
      const guest = await town.guest(node, { ethVersions: [69] });
      const asked = guest.ours.eth.getBlockHeaders(query).catch((error: { code: string }) => error.code);
      const { requestId } = await town.clock.settle(guest.session.expect('GetBlockHeaders'));
      act(guest, requestId);
      await town.clock.advance(100);
      expect(node.causes).toMatchObject([{ outcome: 'faulted', stage: 'active' }]);
      expect(node.causes[0]?.code).toBe(code);
      expect(handed).toEqual([]);
      const expected = act === refused.at(-1)?.[2] ? [] : 'ERR_SESSION_NOT_ACTIVE'; // the first answer was good
      expect(await asked).toEqual(expected);
    },
  );

  test('004.2: a peer may use its own request ids again', async () => {
    const town = new Town();
    const node = await town.node();
    const { session, ours } = await town.guest(node);
    for (let i = 0; i < 3; i++) {
      session.send({ name: 'GetBlockHeaders', requestId: 7n, query });
      expect(await town.clock.settle(session.expect('BlockHeaders'))).toMatchObject({ requestId: 7n });
    }
    expect(ours.state).toBe('active');
  });
});

describe('004.6: terminal races', () => {
  test('004.6: of any five events, in any order, the first terminal one decides', () => {
    const walk = (state: SessionState, events: number): number => {
      if (events === 0) return 1;
      let ways = 0;
      for (const event of SESSION_EVENTS) {
        const outcome = next(state, event);
        const after = isTransitionError(outcome) ? state : outcome;
        if (isTerminal(state)) expect(after).toBe(state);
        ways += isTerminal(state) && events > 2 ? ended(state, events) : walk(after, events - 1);
      }
      return ways;
    };
    // what follows an end is the same whatever came before it: looked at once per state and number of events
    const seen = new Map<string, number>();
    const ended = (state: SessionState, events: number): number => {
      const key = `${state} ${events}`;
      const known = seen.get(key) ?? (isTransitionError(next(state, 'close')) ? 12 ** (events - 1) : 0);
      seen.set(key, known);
      return known;
    };
    for (const state of ['requested', 'accepted', 'active'] as const) expect(walk(state, 5)).toBe(12 ** 5);
  });

  /** What can end a session, by who decides. Each is tried in every order with the others. */
  const causes: [string, (town: Town, node: TownNode, guest: Awaited<ReturnType<Town['guest']>>) => void][] =
    [
      ['local 3', (_town, _node, { ours }) => ours.disconnect(3)],
      ['remote 4', (_town, _node, { session }) => session.disconnect(4)],
      ['transport ECONNRESET', (town, node, { host }) => town.network.reset(node.host, host)],
      ['local 8', (_town, node) => void node.manager.close()],
    ];
  const orders = permutations([0, 1, 2, 3]);

  test.each([
    ['one after the other', 10],
    ['all at once', 0],
  ])('004.6: four causes in all 24 orders, %s: one end, one record, one event', async (_, gapMs) => {
    expect(orders).toHaveLength(24);
    for (const order of orders) {
      const town = new Town();
      const node = await town.node();
      const guest = await town.guest(node);
      for (const at of order) {
        causes[at]?.[1](town, node, guest);
        if (gapMs > 0) await town.clock.advance(gapMs);
      }
      await town.clock.advance(SECOND);
      expect(node.causes).toHaveLength(1);
      const [cause] = node.causes;
      expect(await guest.ours.ended).toBe(cause);
      expect(guest.ours.describe().cause).toBe(cause);
      expect(guest.ours.state).toBe(cause?.outcome);
      const decided = `${cause?.by} ${cause?.reason ?? cause?.code}`;
      // at once: what we do ourselves is there before anything can come over the network
      const first = gapMs > 0 ? order[0] : order.find((at) => at === 0 || at === 3);
      expect(decided).toBe(causes[first ?? -1]?.[0]);
      await town.clock.advance(3 * SECOND);
      expect(town.socketsOf(node.host)).toBe(0);
    }
  });
});

function permutations(items: readonly number[]): number[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((first) =>
    permutations(items.filter((item) => item !== first)).map((rest) => [first, ...rest]),
  );
}
