import { describe, expect, test } from 'vitest';
import { type EthMessageName, ethProtocol, type MessageSpec } from '../../src/eth/index.js';
import type { IncomingMessage } from '../../src/rlpx/index.js';
import { Admission } from '../../src/session/admission.js';
import type { Allowed } from '../../src/session/allowance.js';
import { endings } from '../../src/session/close-cause.js';
import { Conversation } from '../../src/session/conversation.js';
import type { AnswerMatch, OpenRequest } from '../../src/session/requests.js';
import { ETH_CAPABILITY } from '../support/session-values.js';

const protocol = ethProtocol(69);
const unasked = endings.breach('ERR_SESSION_ANSWER_UNASKED', 'nothing is open');

/** A session at the step after Status, and a record of what was asked on the way to the verdict. */
function house(given: { allowed?: Allowed; match?: AnswerMatch; hears?: boolean; draining?: boolean } = {}) {
  const conversation = new Conversation();
  const asked: string[] = [];
  const admission = new Admission({
    ...{ protocol, conversation },
    allowance: {
      incoming: () => {
        asked.push('allowance');
        return given.allowed ?? { verdict: 'take', share: 1 };
      },
    },
    isDraining: () => given.draining ?? false,
    match: () => {
      asked.push('match');
      return given.match ?? { refused: unasked };
    },
    hears: () => given.hears ?? true,
  });
  const greeted = (): void => conversation.greeted();
  const open = (): void => {
    greeted();
    conversation.statusReceived();
  };
  /** A message that must not be opened for the verdict. */
  const admit = (id: number, declaredBytes = 10) => {
    const never = (): never => {
      throw new Error('it was decompressed');
    };
    const message = { capability: ETH_CAPABILITY, id, wireBytes: 12, declaredBytes };
    return admission.admit({ ...message, payload: never, open: never, head: never } as IncomingMessage);
  };
  const idOf = (name: EthMessageName): number => (protocol.byName.get(name) as MessageSpec).id;
  const say = (name: EthMessageName, bytes?: number) => admit(idOf(name), bytes);
  return { conversation, asked, greeted, open, admit, say };
}

const ending = (code: string) => ({ kind: 'end', ending: { code, reason: 2 } });

describe('004.2: whether a message may come is one question', () => {
  test('004.2: what the version, the step or the size forbids ends the session, and nobody else was asked', () => {
    const { admit, say, open, greeted, asked, conversation } = house();
    greeted();
    expect(say('GetBlockHeaders')).toMatchObject(ending('ERR_SESSION_MESSAGE_EARLY'));
    open();
    expect(admit(0x0e)).toMatchObject(ending('ERR_SESSION_MESSAGE_UNKNOWN'));
    expect(admit(200)).toMatchObject(ending('ERR_SESSION_MESSAGE_UNKNOWN'));
    expect(say('Status')).toMatchObject(ending('ERR_SESSION_STATUS_TWICE'));
    for (const { name, maxBytes } of protocol.byName.values()) {
      if (name === 'Status') continue;
      expect([name, say(name, maxBytes + 1)]).toMatchObject([name, ending('ERR_SESSION_MESSAGE_SIZE')]);
    }
    expect(asked).toEqual([]);
    expect([conversation.ours, conversation.theirs]).toEqual(['status', 'open']);
  });

  test('004.2: an answer is asked about its request before any quota, and is charged to none', () => {
    const none = house();
    none.open();
    expect(none.say('BlockHeaders')).toMatchObject(ending('ERR_SESSION_ANSWER_UNASKED'));
    expect(none.asked).toEqual(['match']);
    const request = { id: 1n } as OpenRequest;
    const one = house({ match: { asked: request }, allowed: { verdict: 'drop' } });
    one.open();
    expect(one.say('BlockHeaders')).toMatchObject({ kind: 'answer', to: request });
  });

  test.each([
    [
      { verdict: 'take', share: 1 },
      { kind: 'request', terms: { share: 1, refused: false } },
    ],
    [
      { verdict: 'take', share: 0.25 },
      { kind: 'request', terms: { share: 0.25, refused: false } },
    ],
    [{ verdict: 'refuse' }, { kind: 'request', terms: { share: 0, refused: true } }],
    [{ verdict: 'over' }, { kind: 'over' }],
  ] as const)('004.2: a request whose permission and quota say %j is %j', (allowed, admitted) => {
    const { open, say } = house({ allowed });
    open();
    expect(say('GetBlockBodies')).toMatchObject(admitted);
  });

  test.each([
    [{ verdict: 'take', share: 1 }, true, 'unasked'],
    [{ verdict: 'take', share: 1 }, false, 'drop'],
    [{ verdict: 'refuse' }, true, 'drop'],
    [{ verdict: 'drop' }, true, 'drop'],
    [{ verdict: 'over' }, true, 'over'],
  ] as const)('004.2: what is said unasked, %j and somebody listens: %s, is %s', (allowed, hears, kind) => {
    const { open, say } = house({ allowed, hears });
    open();
    expect(say('Transactions').kind).toBe(kind);
    expect(say('BlockRangeUpdate').kind).toBe(kind);
  });

  test('004.2: while the session is about to close, questions are answered empty, answers are welcome, the rest is unheard', () => {
    const { open, say, asked } = house({ draining: true, match: { asked: { id: 1n } as OpenRequest } });
    open();
    expect(say('GetReceipts')).toMatchObject({ kind: 'request', terms: { share: 0, refused: false } });
    expect(say('Transactions')).toEqual({ kind: 'drop' });
    expect(asked).toEqual([]);
    expect(say('Receipts').kind).toBe('answer');
  });
});
