import { describe, expect, test } from 'vitest';
import { CodecError } from '../../src/codec/index.js';
import { EthError } from '../../src/eth/index.js';
import { DISCONNECT, RlpxError } from '../../src/rlpx/index.js';
import {
  closeCause,
  type Ending,
  endingEvent,
  endings,
  explainCause,
} from '../../src/session/close-cause.js';
import { connectionEnding, faultOf } from '../../src/session/faults.js';
import { isTerminal, next, SESSION_STATES } from '../../src/session/state.js';

const facts = {
  outcome: 'closed',
  stage: 'active',
  sent: undefined,
  atMs: 1_000,
  epoch: 3,
  counters: { bytesIn: 1, bytesOut: 2, messagesIn: 3, messagesOut: 4 },
} as const;

describe('an ending', () => {
  const kinds: readonly Ending['kind'][] = ['asked', 'refused', 'deadline', 'fault'];

  test('of any kind leads from every living state to an end', () => {
    for (const state of SESSION_STATES) {
      if (isTerminal(state)) continue;
      for (const kind of kinds) {
        const outcome = next(state, endingEvent({ kind, by: 'local', says: '' }, state));
        expect(outcome).toBeTypeOf('string');
      }
    }
  });

  test('in good order cancels what was not active yet and closes what was', () => {
    const asked = endings.asked(DISCONNECT.requested, 'enough');
    expect(endingEvent(asked, 'greeting')).toBe('cancel');
    expect(endingEvent(asked, 'paused')).toBe('close');
    expect(endingEvent(endings.refused(4, 'ERR_SESSION_LIMIT', 'full'), 'verifying')).toBe('cancel');
  });
});

describe('a close cause', () => {
  test('names the reason that was received before the one that was sent', () => {
    const ending: Ending = { kind: 'asked', by: 'remote', received: 4, says: 'too many peers' };
    expect(closeCause(ending, { ...facts, sent: 8 })).toEqual({
      ...{
        outcome: 'closed',
        by: 'remote',
        stage: 'active',
        atMs: 1_000,
        epoch: 3,
        counters: facts.counters,
      },
      ...{ reason: 4, reasonReceived: 4, reasonSent: 8, says: 'too many peers' },
    });
  });

  test('has no reason where none crossed the wire, whatever was wished', () => {
    const cause = closeCause(endings.breach('ERR_SESSION_RANGE', 'backwards'), facts);
    expect(cause).not.toHaveProperty('reason');
    expect(cause).not.toHaveProperty('reasonSent');
    expect(cause.code).toBe('ERR_SESSION_RANGE');
  });

  test('is one line for a person', () => {
    const ending = endings.refused(DISCONNECT.subprotocolError, 'ERR_ETH_STATUS_GENESIS', 'another genesis');
    const cause = closeCause(ending, { ...facts, outcome: 'cancelled', stage: 'verifying', sent: 16 });
    expect(explainCause(cause)).toBe(
      'cancelled while verifying by our policy, subprotocol error: another genesis',
    );
  });

  test('says a reason only once, and what a peer means that refuses our Status', () => {
    const by = 'remote';
    const full = { kind: 'asked', by, received: DISCONNECT.tooManyPeers, says: 'too many peers' } as const;
    const early = { ...facts, outcome: 'cancelled', stage: 'greeting' } as const;
    expect(explainCause(closeCause(full, early))).toBe(
      'cancelled while greeting by the peer, too many peers',
    );
    const misfit = { ...full, received: DISCONNECT.subprotocolError, says: 'subprotocol error' };
    expect(explainCause(closeCause(misfit, { ...early, stage: 'verifying' }))).toBe(
      'cancelled while verifying by the peer, subprotocol error: most likely another network, genesis or fork',
    );
    expect(explainCause(closeCause(misfit, facts))).toBe(
      'closed while active by the peer, subprotocol error',
    );
  });
});

describe('what the connection says', () => {
  test.each([
    [
      { by: 'remote', received: 8, says: 'x' },
      { kind: 'asked', by: 'remote', received: 8, says: 'client quitting' },
    ],
    [
      { by: 'transport', code: 'ECONNRESET', says: 'reset' },
      { kind: 'fault', by: 'transport', code: 'ECONNRESET' },
    ],
    [
      { by: 'local', sent: 11, code: 'ERR_RLPX_FRAME_DEADLINE', says: 'slow' },
      { kind: 'deadline', by: 'local' },
    ],
    [
      { by: 'local', sent: 3, code: 'ERR_RLPX_USELESS', says: 'no' },
      { kind: 'refused', by: 'policy' },
    ],
    [
      { by: 'local', sent: 2, code: 'ERR_RLPX_SNAPPY', says: 'bad' },
      { kind: 'fault', by: 'local', code: 'ERR_RLPX_SNAPPY' },
    ],
    [
      { by: 'local', code: 'ERR_RLPX_MAC', says: 'a MAC differs' },
      { kind: 'fault', by: 'local', code: 'ERR_RLPX_MAC' },
    ],
  ] as const)('%j', (end, ending) => {
    expect(connectionEnding(end)).toMatchObject(ending);
  });
});

describe('an error in a message', () => {
  test.each([
    [new RlpxError('ERR_RLPX_SNAPPY'), DISCONNECT.protocolBreach, 'ERR_RLPX_SNAPPY'],
    [new RlpxError('ERR_RLPX_MAC'), undefined, 'ERR_RLPX_MAC'],
    [new EthError('ERR_ETH_DECODE', 'bad'), DISCONNECT.protocolBreach, 'ERR_ETH_DECODE'],
    [new CodecError('ERR_CODEC_RLP', 'bad'), DISCONNECT.protocolBreach, 'ERR_CODEC_RLP'],
    [new TypeError('ours'), DISCONNECT.requested, 'ERR_SESSION_INTERNAL'],
  ])('%s', (error, reason, code) => {
    const ending = faultOf(error);
    expect(ending).toMatchObject({ kind: 'fault', by: 'local', code });
    expect(ending.reason).toBe(reason);
  });
});
