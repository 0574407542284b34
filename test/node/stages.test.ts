import { expect, test } from 'vitest';
import { explainEnd } from '../../src/node/stages.js';
import type { CloseCause } from '../../src/session/index.js';

const cause = (facts: Partial<CloseCause>): CloseCause => ({
  outcome: 'cancelled',
  by: 'remote',
  stage: 'verifying',
  says: 'too many peers',
  atMs: 0,
  epoch: 1,
  counters: { bytesIn: 0, bytesOut: 0, messagesIn: 0, messagesOut: 0 },
  ...facts,
});

test.each<[string, Partial<CloseCause>]>([
  ['status: network 5, ours is 1', { by: 'policy', reasonSent: 16, says: 'Status: network 5, ours is 1' }],
  [
    'status: the peer disconnected: subprotocol error (most often another network, genesis or fork)',
    { reasonReceived: 16 },
  ],
  ['active: the peer disconnected: subprotocol error', { stage: 'active', reasonReceived: 16 }],
  ['hello: the peer disconnected: too many peers', { stage: 'greeting', reasonReceived: 4 }],
  ['hello: the peer disconnected: unknown (77)', { stage: 'greeting', reasonReceived: 77 }],
  ['connect: ECONNREFUSED', { stage: 'connecting', by: 'transport', says: 'ECONNREFUSED' }],
  ['ecies: no answer', { stage: 'authenticating', says: 'no answer' }],
])('%s', (line, facts) => {
  expect(explainEnd(cause(facts))).toBe(line);
});
