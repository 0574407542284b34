import { describe, expect, test } from 'vitest';
import { bytesToHex } from '../../src/codec/index.js';
import type { EthRequest, EthResponse } from '../../src/eth/index.js';
import { NOTHING_LEFT, Village } from '../support/session-nodes.js';
import { hash } from '../support/session-values.js';

const header = Uint8Array.of(0xc3, 1, 2, 3);

/** Serves as many one-byte-different headers and bodies as are asked for. */
async function serve(request: EthRequest): Promise<EthResponse | undefined> {
  const { requestId } = request;
  if (request.name === 'GetBlockHeaders') {
    return { name: 'BlockHeaders', requestId, headers: new Array(Number(request.query.amount)).fill(header) };
  }
  if (request.name === 'GetBlockBodies') {
    return {
      name: 'BlockBodies',
      requestId,
      bodies: request.hashes.map(() => Uint8Array.of(0xc2, 0xc0, 0xc0)),
    };
  }
  return undefined;
}

describe('two nodes', () => {
  test('meet, and exchange headers both ways', async () => {
    const village = new Village();
    const a = await village.node({ serve });
    const b = await village.node({ serve });
    const handle = village.dial(a, b);
    expect(handle.state).toBe('requested');
    const session = await village.clock.settle(handle.active);
    expect(session).toMatchObject({ state: 'active', direction: 'outbound', kind: 'dynamic' });
    expect(session.remote).toMatchObject({ client: 'node2', address: { host: '10.0.0.2', port: 30_303 } });
    const query = { origin: 1n, amount: 3n, skip: 0n, reverse: false };
    expect(await village.clock.settle(session.eth.getBlockHeaders(query))).toEqual([header, header, header]);

    const other = b.manager.getByPeer(a.manager.publicKey);
    expect(other?.direction).toBe('inbound');
    expect(bytesToHex(other?.sharedId ?? new Uint8Array())).toBe(bytesToHex(session.sharedId));
    expect(
      await village.clock.settle(other?.eth.getBlockBodies([hash(1), hash(2)]) ?? Promise.reject()),
    ).toHaveLength(2);
    expect(a.manager.count()).toEqual({
      pendingInbound: 0,
      pendingOutbound: 0,
      activeInbound: 0,
      activeOutbound: 1,
    });
    expect(b.manager.count()).toEqual({
      pendingInbound: 0,
      pendingOutbound: 0,
      activeInbound: 1,
      activeOutbound: 0,
    });
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });
});
