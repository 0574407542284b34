import { expect, test } from 'vitest';
import { nodeCrypto } from '../../src/crypto/index.js';
import { Handshake } from '../../src/rlpx/index.js';
import { seededRandom } from '../../src/runtime/index.js';
import { PORT, Village } from '../support/session-nodes.js';

const crypto = nodeCrypto();

test('E4, H9: a recorded auth, sent again to a manager that has seen it, is never acknowledged', async () => {
  const village = new Village();
  const node = await village.node();
  const auth = new Handshake({
    role: 'initiator',
    crypto,
    random: seededRandom('stranger'),
    secretKey: new Uint8Array(32).fill(9),
    remotePublicKey: node.manager.publicKey,
  }).start();
  const tcp = village.world('10.0.0.99').tcp;

  /** @returns how many bytes came back for the recorded message */
  async function answered(): Promise<number> {
    const socket = await village.clock.settle(tcp.connect({ host: node.host, port: PORT }));
    let bytes = 0;
    socket.attach({
      data: (chunk) => {
        bytes += chunk.length;
      },
      drain: () => undefined,
      end: () => undefined,
      closed: () => undefined,
    });
    socket.write([auth ?? new Uint8Array(0)]);
    await village.clock.advance(1_000);
    socket.destroy();
    await village.clock.advance(1_000);
    return bytes;
  }

  expect(await answered()).toBeGreaterThan(200); // the ack, and Hello behind it
  for (let copy = 0; copy < 20; copy++) expect(await answered()).toBe(0);
  expect(node.manager.count().pendingInbound).toBe(0);
  const closing = node.manager.close();
  await village.clock.settle(closing);
});
