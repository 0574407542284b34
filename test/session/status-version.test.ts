import { describe, expect, test } from 'vitest';
import { bytesToHex } from '../../src/codec/index.js';
import { nodeCrypto } from '../../src/crypto/index.js';
import { ethProtocol } from '../../src/eth/index.js';
import { DISCONNECT } from '../../src/rlpx/index.js';
import { statusProvider, Village } from '../support/session-nodes.js';
import { ScriptedPeer } from '../support/session-peer.js';
import { statusOf } from '../support/session-values.js';

describe('a Status of another version than the one agreed', () => {
  test.each([
    ['whatever the chain thinks of it', statusProvider()],
    ['where it would be mirrored', { ...statusProvider(), mirror: true, check: () => undefined }],
  ])('is a breach of protocol, %s', async (_, status) => {
    const status69 = ethProtocol(69).byName.get('Status');
    if (status69 === undefined) throw new Error('no Status');
    const village = new Village();
    const node = await village.node({ status });
    const peer = new ScriptedPeer(village.world('10.0.0.77'), { versions: [70], status: null });
    await village.clock.settle(peer.dial(node));
    await village.clock.advance(1_000);
    // eth/69 and 70 have one form of Status; only its first field tells them apart.
    peer.raw(status69.id, status69.encode({ name: 'Status', status: statusOf(69) }));
    await village.clock.advance(1_000);
    expect(peer.end).toMatchObject({ received: DISCONNECT.protocolBreach });
    expect(node.told.at(-1)).toBe('closed s1 faulted 2');
  });
});

test('a session that ends before it is active says in its record whom it was with', async () => {
  const village = new Village();
  const node = await village.node();
  const peer = new ScriptedPeer(village.world('10.0.0.77'), { status: { networkId: 99n } });
  const records: (string | undefined)[] = [];
  node.manager.on('closed', ({ session }) => records.push(session.describe().nodeId));
  await village.clock.settle(peer.dial(node));
  await village.clock.advance(1_000);
  expect(records).toEqual([bytesToHex(nodeCrypto().keccak256(peer.publicKey))]);
});
