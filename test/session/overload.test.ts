import { describe, expect, test } from 'vitest';
import type { EthMessage, EthRequest, EthResponse } from '../../src/eth/index.js';
import { NOTHING_LEFT, type Node, Village } from '../support/session-nodes.js';
import { ScriptedPeer } from '../support/session-peer.js';
import { hash } from '../support/session-values.js';

const SECOND = 1_000;

/** RLP of a body of some bytes that do not compress. */
function body(bytes: number, seed: number): Uint8Array {
  let state = seed + 1;
  const noise = Uint8Array.from({ length: bytes }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state >> 16;
  });
  const sizes = (base: number, size: number): number[] => [base + 57, size >> 8, size & 0xff];
  const text = Uint8Array.from([...sizes(0x80, bytes), ...noise]);
  return Uint8Array.from([...sizes(0xc0, text.length), ...text]);
}

const serve = async (request: EthRequest): Promise<EthResponse | undefined> =>
  request.name === 'GetBlockBodies'
    ? {
        name: 'BlockBodies',
        requestId: request.requestId,
        bodies: request.hashes.map((_, i) => body(8_000, i)),
      }
    : undefined;

describe('overload', () => {
  // what the system holds for a socket is far less than one answer, so each answer waits for the other end to read
  test.each([2_048, 8_192, 65_536])(
    'two nodes that wait for each other’s answers never deadlock, with windows of %i bytes',
    async (windowBytes) => {
      for (let seed = 0; seed < 2; seed++) {
        const village = new Village(seed, { windowBytes });
        const [a, b] = [await village.node({ serve }), await village.node({ serve })] as [Node, Node];
        const ab = await village.clock.settle(village.dial(a, b).active);
        const ba = b.manager.active()[0];
        if (ba === undefined) throw new Error('no session');
        const questions = [ab, ba].flatMap(({ eth }) =>
          Array.from({ length: 200 }, () => eth.getBlockBodies([1, 2].map(hash), { timeoutMs: 60 * SECOND })),
        );
        const answers = await village.clock.settle(Promise.all(questions));
        // none is lost and none silently dropped: what is too much is answered with nothing in it
        expect(answers.every(({ length }) => length === 2 || length === 0)).toBe(true);
        expect(answers.filter(({ length }) => length === 2).length).toBeGreaterThan(100);
        expect([ab.state, ba.state]).toEqual(['active', 'active']);
        expect(ab.describe().queues).toMatchObject({ requestsOpen: 0, serving: 0, parked: { items: 0 } });
        expect(await village.leftovers()).toEqual(NOTHING_LEFT);
      }
    },
    60_000,
  );

  test('every question of a peer that reads is answered exactly once, however many come at once', async () => {
    const village = new Village(1, { windowBytes: 16_384 });
    const node = await village.node({ serve });
    const peer = new ScriptedPeer(village.world('10.0.0.99'));
    await village.clock.settle(peer.dial(node));
    await village.clock.advance(100);
    const ask = (requestId: bigint): EthMessage => ({
      name: 'GetBlockBodies',
      requestId,
      hashes: [hash(1)],
    });
    for (let id = 1n; id <= 500n; id++) peer.say(ask(id));
    await village.clock.advance(60 * SECOND);
    const ids = peer.heard('BlockBodies').map((answer) => ('requestId' in answer ? answer.requestId : 0n));
    expect(ids).toHaveLength(500);
    expect(new Set(ids).size).toBe(500);
    expect(node.manager.count().activeInbound).toBe(1);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });
});
