import { describe, expect, test } from 'vitest';
import { decideDial, firstDirection, isUnsure, mayGreet } from '../../src/session/simultaneous-dial.js';
import { everyRace, type Manner } from '../support/session-dial-model.js';

const id = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

/** One line active at both ends, the other gone or never begun. */
const GOOD = /^(active\/active (over|none)\/(over|none)|(over|none)\/(over|none) active\/active)$/;

describe('two dials that meet', () => {
  test('the connection that the smaller node id began goes first, seen alike from both ends', () => {
    expect(firstDirection(id(1), id(2))).toBe('outbound');
    expect(firstDirection(id(2), id(1))).toBe('inbound');
  });

  test('a verified connection: first, second, beside one that the peer cannot know, beside an active one', () => {
    const mine = { direction: 'outbound' } as const;
    const theirs = (stage: 'apart' | 'meeting' | 'verified' | 'unsure' | 'sure') =>
      [{ direction: 'inbound', stage }] as const;
    expect(decideDial(mine, 'outbound', [])).toBe('activate');
    expect(decideDial(mine, 'inbound', [])).toBe('activate');
    expect(decideDial(mine, 'outbound', theirs('meeting'))).toBe('activate');
    expect(decideDial(mine, 'outbound', theirs('verified'))).toBe('activate');
    expect(decideDial(mine, 'inbound', theirs('apart'))).toBe('activate');
    expect(decideDial(mine, 'inbound', theirs('meeting'))).toBe('wait');
    expect(decideDial(mine, 'inbound', theirs('verified'))).toBe('wait');
    for (const first of ['inbound', 'outbound'] as const) {
      expect(decideDial(mine, first, theirs('unsure'))).toBe('wait');
      expect(decideDial(mine, first, theirs('sure'))).toBe('yield');
    }
  });

  test('nobody greets beside an active one, and only a rival on the wire makes an activation unsure', () => {
    const rival = (stage: 'apart' | 'meeting' | 'verified' | 'unsure' | 'sure') =>
      [{ direction: 'inbound', stage }] as const;
    expect((['apart', 'meeting', 'verified'] as const).map((stage) => mayGreet(rival(stage)))).toEqual([
      true,
      true,
      true,
    ]);
    expect((['unsure', 'sure'] as const).map((stage) => mayGreet(rival(stage)))).toEqual([false, false]);
    expect(isUnsure([])).toBe(false);
    expect(isUnsure(rival('apart'))).toBe(false);
    expect(isUnsure(rival('meeting'))).toBe(true);
    expect(isUnsure(rival('verified'))).toBe(true);
  });
});

describe('every order of events of a race', () => {
  const strangers: readonly [Manner, Manner][] = [
    ['rule', 'rule'],
    ['rule', 'geth'],
    ['geth', 'rule'],
    ['rule', 'reth'],
    ['reth', 'rule'],
  ];

  test.each(strangers)(
    'C8: %s against %s: exactly one connection survives, the same at both ends',
    (a, b) => {
      const { outcomes, states } = everyRace([a, b]);
      expect([...outcomes].filter((outcome) => !GOOD.test(outcome))).toEqual([]);
      expect(outcomes.size).toBeGreaterThan(1); // whoever dials alone wins as well
      expect(states).toBeGreaterThan(100);
    },
  );

  test('where both follow the rule and both dials are under way, the first one wins at both ends', () => {
    const { outcomes } = everyRace(['rule', 'rule']);
    expect([...outcomes].sort()).toEqual([
      'active/active none/none',
      'active/active over/over',
      'none/none active/active',
      'over/over active/active', // the second was active before the first arrived
    ]);
  });

  test('the model finds what goes wrong without the rule: two geths, two reths, and the rule without its doubt', () => {
    const lost = 'over/over over/over';
    expect(everyRace(['geth', 'geth']).outcomes).toContain(lost);
    expect(everyRace(['reth', 'reth']).outcomes).toContain(lost);
    expect(everyRace(['rule-without-doubt', 'reth']).outcomes).toContain(lost);
  });
});
