import { describe, expect, test } from 'vitest';
import type { SatelliteProtocol, Session } from '../../src/session/index.js';
import { hash, item, noise, type ScriptedCall, SECOND, Town } from '../support/rows-town.js';

const MIB = 1024 * 1024;
/** What the network itself holds of one direction, and one message that is under way. */
const UNDER_WAY = 256 * 1024;

const query = { origin: 1n, amount: 1n, skip: 0n, reverse: false };

/** A user of ours that never gets done with what it was handed. */
const stuck: SatelliteProtocol = {
  ...{ name: 'chat', version: 1, length: 1, maxBytes: 100_000 },
  budget: { handlerMs: 3_600_000 },
  onSession: () => ({ message: () => new Promise<void>(() => undefined) }),
};

type Flood = (call: ScriptedCall & { readonly ours: Session }) => void;

const gossip: Flood = ({ session }) => session.send({ name: 'Transactions', transactions: [item(60_000)] });
const chat: Flood = ({ session }) => session.sendRaw(0, noise(60_000), 'chat');
/** Questions that are long, and are not answered as long as the handler thinks. */
const questions: Flood = ({ session }) =>
  session.send({
    name: 'GetBlockBodies',
    requestId: 1n,
    hashes: Array.from({ length: 1_000 }, () => hash(7)),
  });

describe('F16: more comes in than is taken', () => {
  test.each([
    ['while the session is paused', gossip, (ours: Session) => ours.pause()],
    ['and a handler of another protocol does not get done', chat, () => undefined],
  ] as const)(
    'F16: %s: each of three sessions keeps 1 MiB and stops reading; the fourth is asked and answers',
    async (_, flood, hinder) => {
      const town = new Town(1, { link: { latencyMs: 5 }, windowBytes: 65_536 });
      const node = await town.node({ gossip: () => undefined, capabilities: [stuck] });
      const capabilities = [
        { name: 'chat', version: 1, length: 1 },
        { name: 'eth', version: 69, length: 18 },
      ];
      const guests = [];
      for (let i = 0; i < 3; i++) guests.push(await town.guest(node, { capabilities }));
      const honest = await town.guest(node);
      honest.session.respond('GetBlockHeaders', () => ({ name: 'BlockHeaders', requestId: 0n, headers: [] }));
      for (const { ours } of guests) hinder(ours);
      for (let i = 0; i < 100; i++) {
        for (const guest of guests) flood(guest);
        await town.clock.advance(20);
      }
      for (const { ours, session } of guests) {
        const { bytesIn } = ours.describe().counters;
        expect(bytesIn).toBeGreaterThan(MIB);
        expect(bytesIn).toBeLessThan(MIB + UNDER_WAY);
        expect(session.backlogBytes).toBeGreaterThan(4 * MIB); // it is the peer that keeps the rest
        expect(ours.state).not.toBe('closed');
      }
      expect(await town.clock.settle(honest.ours.eth.getBlockHeaders(query))).toEqual([]);
    },
  );

  test('F16: questions that wait for their answers: 2 MiB and the four that are worked on, the rest is answered empty', async () => {
    const town = new Town(1, { link: { latencyMs: 5 }, windowBytes: 65_536 });
    const node = await town.node({
      serve: () => new Promise(() => undefined),
      templates: { basic: { quotas: { bytesPerSecond: 100 * MIB, requestsPerSecond: 10_000 } } },
    });
    const guest = await town.guest(node);
    for (let i = 0; i < 400; i++) {
      questions(guest);
      await town.clock.advance(10);
    }
    const { parked, serving } = guest.ours.describe().queues ?? {};
    expect(serving).toBeLessThanOrEqual(4);
    expect(parked?.items).toBeLessThanOrEqual(64);
    expect(parked?.bytes).toBeLessThanOrEqual(2 * MIB);
    await town.clock.advance(SECOND);
    const empty = guest.session.heard.filter(({ message }) => message?.name === 'BlockBodies');
    expect(empty.length).toBe(400 - 4 - (parked?.items ?? 0));
    expect(guest.ours.state).toBe('active');
  });
});
