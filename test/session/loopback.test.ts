import { describe, expect, test } from 'vitest';
import { bytesToHex } from '../../src/codec/index.js';
import { chooseCrypto } from '../../src/crypto/index.js';
import type { EthRequest, EthResponse } from '../../src/eth/index.js';
import { realWorld } from '../../src/runtime/index.js';
import { type Session, SessionManager, type SessionManagerOptions } from '../../src/session/index.js';
import { statusProvider } from '../support/session-nodes.js';
import { hash } from '../support/session-values.js';

const LOOPBACK = { host: '127.0.0.1', port: 0 };

async function listening(key: number, options: Partial<SessionManagerOptions> = {}) {
  const manager = new SessionManager({
    ...{ world: realWorld(), crypto: chooseCrypto(), secretKey: new Uint8Array(32).fill(key) },
    ...{ clientId: `node${key}`, status: statusProvider() },
    ...options,
  });
  const at = await manager.listen(LOOPBACK);
  return { manager, to: { ...at, publicKey: manager.publicKey } };
}

const headers = async (request: EthRequest): Promise<EthResponse | undefined> =>
  request.name === 'GetBlockHeaders'
    ? {
        name: 'BlockHeaders',
        requestId: 0n,
        headers: new Array(Number(request.query.amount)).fill(Uint8Array.of(0xc1, 7)),
      }
    : undefined;

describe('over real sockets', () => {
  test('two managers meet, ask each other, ping and part', async () => {
    const a = await listening(1, { serve: headers });
    const b = await listening(2, { serve: headers });
    const inbound = new Promise<Session>((resolve) =>
      b.manager.on('activated', ({ session }) => resolve(session)),
    );
    const session = await a.manager.dial(b.to).active;
    const other = await inbound;
    expect(bytesToHex(session.sharedId)).toBe(bytesToHex(other.sharedId));
    const query = { origin: 0n, amount: 192, skip: 0n, reverse: false };
    expect(await session.eth.getBlockHeaders(query)).toHaveLength(192);
    expect(await other.eth.getBlockHeaders(query)).toHaveLength(192);
    for (let i = 0; i < 10; i++) expect(await session.ping()).toBeGreaterThanOrEqual(0);
    session.disconnect(8);
    expect(await other.ended).toMatchObject({ outcome: 'closed', by: 'remote', reason: 8 });
    await Promise.all([a.manager.close(), b.manager.close()]);
  });

  test('200 sessions, dialed and ended one after the other, leave nothing', async () => {
    const a = await listening(1);
    const b = await listening(2);
    for (let i = 0; i < 200; i++) {
      const session = await a.manager.dial(b.to).active;
      if (i % 2 === 0) session.eth.getBlockBodies([hash(1)]).catch(() => undefined);
      session.disconnect();
      // the other end may still have the old session: then the new one would be refused as a duplicate
      while (b.manager.list().length > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(a.manager.list()).toEqual([]);
    const closed = performance.now();
    await Promise.all([a.manager.close(), b.manager.close()]);
    expect(performance.now() - closed).toBeLessThan(1_900);
  });

  test('simultaneous dials end in one session, 50 times', async () => {
    const a = await listening(1);
    const b = await listening(2);
    for (let i = 0; i < 50; i++) {
      const handles = [a.manager.dial(b.to), b.manager.dial(a.to)];
      await Promise.all(
        handles.map(({ active, ended }) => Promise.race([active.catch(() => undefined), ended])),
      );
      // the other end may still have to hear which of the two made way
      while (a.manager.list().length > 1 || b.manager.list().length > 1)
        await new Promise((resolve) => setImmediate(resolve));
      const [ofA, ofB] = [a.manager.active(), b.manager.active()];
      expect(ofA).toHaveLength(1);
      expect(ofB).toHaveLength(1);
      expect(bytesToHex(ofA[0]?.sharedId ?? new Uint8Array())).toBe(
        bytesToHex(ofB[0]?.sharedId ?? new Uint8Array(1)),
      );
      ofA[0]?.disconnect();
      await ofB[0]?.ended;
    }
    await Promise.all([a.manager.close(), b.manager.close()]);
  });

  test('a port that nobody listens on is told in the system’s word', async () => {
    const a = await listening(1);
    const b = await listening(2);
    await b.manager.close();
    expect(await a.manager.dial(b.to).ended).toMatchObject({
      outcome: 'faulted',
      by: 'transport',
      code: 'ECONNREFUSED',
    });
    await a.manager.close();
  });
});
