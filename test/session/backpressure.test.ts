import { expect, test } from 'vitest';
import { NOTHING_LEFT, Village } from '../support/session-nodes.js';
import { hash } from '../support/session-values.js';

const BODY = Uint8Array.of(0xc2, 0xc0, 0xc0);

test('002.7: callers that wait for room are all answered once the peer reads; those that do not are told', async () => {
  const village = new Village();
  const a = await village.node();
  const b = await village.node({
    serve: async (request) =>
      request.name === 'GetBlockBodies'
        ? { name: 'BlockBodies', requestId: 0n, bodies: request.hashes.map(() => BODY) }
        : undefined,
  });
  const session = await village.clock.settle(village.dial(a, b).active);
  await village.clock.advance(100);
  village.network.freeze(b.host);
  const hashes = Array.from({ length: 512 }, (_, i) => hash(i % 256));
  const ask = (backpressure: 'error' | 'await') => session.eth.getBlockBodies(hashes, { backpressure });
  const waiting = Array.from({ length: 400 }, () => ask('await'));
  const impatient = Array.from({ length: 5 }, () => ask('error').then(String, ({ code }) => code));
  await village.clock.advance(100);
  const { requests, callers } = session.describe().queues ?? {};
  expect(requests?.bytes).toBeLessThanOrEqual(1024 * 1024);
  expect(callers).toBeGreaterThan(100);
  expect(await Promise.all(impatient)).toEqual(new Array(5).fill('ERR_SESSION_QUEUE_FULL'));
  village.network.thaw(b.host);
  const answers = await village.clock.settle(Promise.all(waiting));
  expect(answers).toHaveLength(400);
  // b works on four at a time and lets 64 wait; what came beyond that it answered empty
  expect(answers.filter((bodies) => bodies.length === 512).length).toBeGreaterThan(64);
  expect(session.describe().queues).toMatchObject({ callers: 0, requestsOpen: 0 });
  expect(await village.leftovers()).toEqual(NOTHING_LEFT);
});
