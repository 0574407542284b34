import { afterEach, describe, expect, test, vi } from 'vitest';
import { encodeBytes, encodeList, snappyCompress } from '../../src/codec/index.js';
import type { EthMessage } from '../../src/eth/index.js';
import { ReceivedMessage } from '../../src/rlpx/packing.js';
import type { CloseCause, Session, SessionManagerOptions } from '../../src/session/index.js';
import { NOTHING_LEFT, Village } from '../support/session-nodes.js';
import { ScriptedPeer } from '../support/session-peer.js';
import { hash } from '../support/session-values.js';

const MiB = 1024 * 1024;
const SECOND = 1_000;
/** Nearly nothing on the wire, and six turns of the loop to open. */
const LARGE: EthMessage = {
  name: 'Transactions',
  transactions: [encodeList([encodeBytes(new Uint8Array(5.5 * MiB))])],
};
const announced = (byte: number): EthMessage => ({
  name: 'NewPooledTransactionHashes',
  ...{ types: Uint8Array.of(2), sizes: [200], hashes: [hash(byte)] },
});

/** A node that writes down what it hears, and a peer that a test speaks for. */
async function listening(options: Partial<SessionManagerOptions> = {}) {
  const village = new Village();
  const heard: string[] = [];
  const causes: CloseCause[] = [];
  const gossip = (message: EthMessage, session: Session): void => {
    heard.push(message.name);
    acts.shift()?.(session);
  };
  const acts: ((session: Session) => void)[] = [];
  const node = await village.node({ gossip, ...options });
  node.manager.on('closed', ({ cause }) => causes.push(cause));
  const peer = new ScriptedPeer(village.world('10.0.0.99'), {});
  await village.clock.settle(peer.dial(node));
  await village.clock.advance(100);
  const [session] = node.manager.active();
  if (session === undefined) throw new Error('no session');
  return { village, node, peer, session, heard, causes, acts };
}

/** Calls back in the turn of the loop that follows the first step of opening something. */
function onceOpening(clock: Village['clock'], act: () => void): void {
  const { open } = ReceivedMessage.prototype;
  let begun = false;
  vi.spyOn(ReceivedMessage.prototype, 'open').mockImplementation(function (this: ReceivedMessage, ...given) {
    if (!begun) clock.soon(act);
    begun = true;
    return open.apply(this, given);
  });
}

afterEach(() => vi.restoreAllMocks());

describe('a large message that nobody asked for', () => {
  test('is opened over several turns of the loop, and what follows does not overtake it', async () => {
    const { village, peer, session, heard, causes } = await listening();
    let turns = 0;
    let heardAfter = 0;
    const other = (): void => {
      turns++;
      if (heard.length === 0) village.clock.soon(other);
      else heardAfter = turns;
    };
    onceOpening(village.clock, other);
    for (const message of [LARGE, announced(1), LARGE, announced(2)]) peer.say(message);
    await village.clock.advance(5 * SECOND);
    expect(heard).toEqual([
      'Transactions',
      'NewPooledTransactionHashes',
      'Transactions',
      'NewPooledTransactionHashes',
    ]);
    expect(heardAfter).toBeGreaterThanOrEqual(5);
    expect(causes).toEqual([]);
    await village.clock.settle(session.ping());
  });

  test('waits, opened, while the session is paused', async () => {
    const { village, peer, session, heard } = await listening();
    onceOpening(village.clock, () => session.pause());
    peer.say(LARGE);
    peer.say(announced(1));
    await village.clock.advance(SECOND);
    expect(session.state).toBe('paused');
    expect(heard).toEqual([]);
    peer.connection?.ping(); // the session is read on, or its peer would think it dead
    await village.clock.advance(SECOND);
    expect(peer.pongs).toBe(1);
    session.resume();
    await village.clock.advance(SECOND);
    expect(heard).toEqual(['Transactions', 'NewPooledTransactionHashes']);
  });

  test('reaches nobody where the session ends meanwhile, and leaves nothing', async () => {
    const { village, peer, session, heard, causes } = await listening();
    onceOpening(village.clock, () => session.disconnect());
    peer.say(LARGE);
    await village.clock.advance(10 * SECOND);
    expect(heard).toEqual([]);
    expect(causes).toMatchObject([{ by: 'local' }]);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });

  test('that is damaged far behind ends the session', async () => {
    const { village, peer, heard, causes } = await listening();
    const plain = encodeList([new Uint8Array(3 * MiB)]);
    const body = snappyCompress(plain).slice(0, -1);
    const { connection, eth } = peer;
    if (eth === undefined) throw new Error('no eth');
    connection?.sendPacked(eth, { id: 0x02, plainBytes: plain.length, body, plain });
    peer.say(announced(1));
    await village.clock.advance(SECOND);
    expect(causes).toMatchObject([{ code: 'ERR_RLPX_SNAPPY', reasonSent: 2 }]);
    expect(heard).toEqual([]);
  });

  test('may end the session by what its handler does', async () => {
    const { village, peer, heard, causes, acts } = await listening();
    acts.push((session) => session.disconnect());
    peer.say(LARGE);
    peer.say(announced(1));
    await village.clock.advance(SECOND);
    expect(heard).toEqual(['Transactions']);
    expect(causes).toMatchObject([{ by: 'local' }]);
  });
});
