import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isEstablished,
  isPending,
  isTerminal,
  isTransitionError,
  next,
  SESSION_EVENTS,
  SESSION_STATES,
  type SessionEvent,
  type SessionState,
} from '../../src/session/state.js';

/** Every pair that leads somewhere; all others are errors. */
const WAYS: Readonly<Record<SessionState, Partial<Record<SessionEvent, SessionState>>>> = {
  requested: { connect: 'connecting', cancel: 'cancelled', expire: 'expired', fault: 'faulted' },
  connecting: { begin: 'authenticating', cancel: 'cancelled', expire: 'expired', fault: 'faulted' },
  accepted: { begin: 'authenticating', cancel: 'cancelled', expire: 'expired', fault: 'faulted' },
  authenticating: { authenticated: 'greeting', cancel: 'cancelled', expire: 'expired', fault: 'faulted' },
  greeting: { greeted: 'verifying', cancel: 'cancelled', expire: 'expired', fault: 'faulted' },
  verifying: { verified: 'active', cancel: 'cancelled', expire: 'expired', fault: 'faulted' },
  active: { pause: 'paused', drain: 'draining', close: 'closed', expire: 'expired', fault: 'faulted' },
  paused: { resume: 'active', drain: 'draining', close: 'closed', expire: 'expired', fault: 'faulted' },
  draining: { close: 'closed', expire: 'expired', fault: 'faulted' },
  closed: {},
  cancelled: {},
  expired: {},
  faulted: {},
};

const pairs = SESSION_STATES.flatMap((state) => SESSION_EVENTS.map((event) => ({ state, event })));

describe('the life of a session', () => {
  test.each(pairs)('$state, $event', ({ state, event }) => {
    const outcome = next(state, event);
    const wanted = WAYS[state][event];
    if (wanted !== undefined) {
      expect(outcome).toBe(wanted);
    } else {
      expect(outcome).toMatchObject({ code: 'ERR_SESSION_TRANSITION', state, event });
      expect(isTransitionError(outcome)).toBe(true);
    }
  });

  test('knows 13 states and 12 events, and each state but the last four has a way to an end', () => {
    expect(pairs).toHaveLength(13 * 12);
    for (const state of SESSION_STATES) {
      const ends = SESSION_EVENTS.some((event) => {
        const outcome = next(state, event);
        return !isTransitionError(outcome) && isTerminal(outcome);
      });
      expect(ends).toBe(!isTerminal(state));
    }
  });

  test('terminal states are final, whatever happens', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('requested' as const, 'accepted' as const),
        fc.array(fc.constantFrom(...SESSION_EVENTS), { maxLength: 30 }),
        (start, events) => {
          let state: SessionState = start;
          let ended: SessionState | undefined;
          for (const event of events) {
            const outcome = next(state, event);
            if (!isTransitionError(outcome)) state = outcome;
            if (ended !== undefined) expect(state).toBe(ended);
            if (isTerminal(state)) ended = state;
          }
        },
      ),
    );
  });

  test('004.6: on every order of up to five events, the first accepted end decides and nothing undoes it', () => {
    let orders = 0;
    /** Walks all sequences: `ended` is what the first accepted end has made of the session. */
    const walk = (state: SessionState, ended: SessionState | undefined, left: number): void => {
      orders++;
      if (left === 0) return;
      for (const event of SESSION_EVENTS) {
        const outcome = next(state, event);
        if (isTransitionError(outcome)) {
          if (outcome.state !== state || outcome.event !== event) throw new Error(`${state}, ${event}`);
          walk(state, ended, left - 1);
        } else {
          if (ended !== undefined) throw new Error(`${ended} became ${outcome} by ${event}`);
          walk(outcome, isTerminal(outcome) ? outcome : undefined, left - 1);
        }
      }
    };
    for (const state of ['requested', 'accepted', 'verifying', 'active', 'draining'] as const)
      walk(state, undefined, 5);
    expect(orders).toBe(5 * (1 + 12 + 12 ** 2 + 12 ** 3 + 12 ** 4 + 12 ** 5));
  });

  test('a session is pending, established or over, and only one of them', () => {
    for (const state of SESSION_STATES) {
      const answers = [isPending(state), isEstablished(state), isTerminal(state)];
      expect(answers.filter(Boolean)).toHaveLength(1);
    }
    expect(SESSION_STATES.filter(isEstablished)).toEqual(['active', 'paused', 'draining']);
  });
});
