import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  activeSlot,
  type Direction,
  pendingSlot,
  SessionCounter,
  type SlotKind,
} from '../../src/session/counter.js';

const limits = { maxPendingInbound: 2, maxPendingOutbound: 3, maxActiveInbound: 1, maxActiveOutbound: 2 };

interface Entry {
  readonly direction: Direction;
  at: 'pending' | 'active' | 'gone';
}

describe('the session counter', () => {
  test('refuses the place after the last one, for each of the four limits', () => {
    const counter = new SessionCounter<{ direction: Direction }>(limits);
    for (let i = 0; i < 2; i++) counter.reserve({ direction: 'inbound' });
    expect(counter.hasRoom('pendingInbound')).toBe(false);
    for (let i = 0; i < 2; i++) counter.reserve({ direction: 'outbound' });
    expect(counter.hasRoom('pendingOutbound')).toBe(true);
    counter.activate({ direction: 'inbound' });
    expect(counter.hasRoom('activeInbound')).toBe(false);
    expect(counter.hasRoom('activeOutbound')).toBe(true);
    expect(counter.counts()).toEqual({
      pendingInbound: 2,
      pendingOutbound: 2,
      activeInbound: 1,
      activeOutbound: 0,
    });
  });

  test('a session has one place, and gives it back once', () => {
    const counter = new SessionCounter<{ direction: Direction }>(limits);
    const session = { direction: 'inbound' as const };
    counter.reserve(session);
    counter.activate(session);
    expect(counter.counts()).toEqual({
      pendingInbound: 0,
      pendingOutbound: 0,
      activeInbound: 1,
      activeOutbound: 0,
    });
    expect(counter.release(session)).toBe(true);
    expect(counter.release(session)).toBe(false);
    expect(counter.hasRoom('activeInbound')).toBe(true);
  });

  test('C5: equals a naive recount after each of 120,000 random reservations, activations and releases', () => {
    const slots = ['pendingInbound', 'pendingOutbound', 'activeInbound', 'activeOutbound'] as const;
    const limitOf = {
      pendingInbound: limits.maxPendingInbound,
      pendingOutbound: limits.maxPendingOutbound,
      activeInbound: limits.maxActiveInbound,
      activeOutbound: limits.maxActiveOutbound,
    };
    const operations = fc.array(fc.tuple(fc.nat(11), fc.constantFrom('reserve', 'activate', 'release')), {
      minLength: 200,
      maxLength: 200,
    });
    let done = 0;
    const recount = (entries: readonly Entry[], slot: SlotKind): number =>
      entries.filter(
        ({ at, direction }) =>
          (at === 'pending' && pendingSlot(direction) === slot) ||
          (at === 'active' && activeSlot(direction) === slot),
      ).length;
    fc.assert(
      fc.property(operations, (steps) => {
        const counter = new SessionCounter<Entry>(limits);
        const entries: Entry[] = Array.from({ length: 12 }, (_, i) => ({
          direction: i % 2 === 0 ? 'inbound' : 'outbound',
          at: 'gone',
        }));
        for (const [which, operation] of steps) {
          const entry = entries[which];
          if (entry === undefined) continue;
          done++;
          if (operation === 'reserve') {
            counter.reserve(entry);
            entry.at = 'pending';
          } else if (operation === 'activate') {
            counter.activate(entry);
            entry.at = 'active';
          } else {
            if (counter.release(entry) !== (entry.at !== 'gone')) return false;
            entry.at = 'gone';
          }
          const counts = counter.counts();
          for (const slot of slots) {
            const there = recount(entries, slot);
            if (counts[slot] !== there || counter.hasRoom(slot) !== there < limitOf[slot]) return false;
          }
        }
        const pending = entries.filter(({ at }) => at === 'pending').length;
        const active = entries.filter(({ at }) => at === 'active').length;
        return [...counter.pending()].length === pending && [...counter.active()].length === active;
      }),
      { numRuns: 600 },
    );
    expect(done).toBeGreaterThanOrEqual(120_000);
  });
});
