import { afterEach, expect, test } from 'vitest';
import { bytesToHex } from '../../src/codec/index.js';
import { nodeCrypto } from '../../src/crypto/index.js';
import { realWorld } from '../../src/runtime/index.js';
import { SessionManager } from '../../src/session/index.js';
import { statusProvider } from '../support/session-nodes.js';

/** `RACES=1000 npx vitest run test/session/dial-races.test.ts` runs as many. */
const RACES = Number(process.env.RACES ?? 15);

const open: SessionManager[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((manager) => manager.close()));
});

async function listening(key: number): Promise<{ manager: SessionManager; host: string; port: number }> {
  const manager = new SessionManager({
    world: realWorld(),
    crypto: nodeCrypto(),
    secretKey: new Uint8Array(32).fill(key),
    clientId: `racer${key}`,
    status: statusProvider(),
  });
  open.push(manager);
  return { manager, ...(await manager.listen({ host: '127.0.0.1', port: 0 })) };
}

const turn = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(says: string, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 2_000; i++) {
    if (holds()) return;
    await turn(2);
  }
  throw new Error(says);
}

const idsOf = ({ manager }: { manager: SessionManager }): string[] =>
  manager.active().map(({ sharedId }) => bytesToHex(sharedId));

test(
  'C8: over real sockets, two that dial each other at once keep the same one connection, and never lose both',
  async () => {
    const [a, b] = [await listening(1), await listening(2)];
    const dial = (from: typeof a, to: typeof a): void => {
      // as a dialer does: not where the other one's connection is here already
      try {
        from.manager.dial({ host: to.host, port: to.port, publicKey: to.manager.publicKey });
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_SESSION_ALREADY_CONNECTED' });
      }
    };
    const kept = { inbound: 0, outbound: 0 };
    const pendingOf = ({ manager }: typeof a): number =>
      manager.count().pendingInbound + manager.count().pendingOutbound;
    for (let race = 0; race < RACES; race++) {
      const [first, second] = race % 2 === 0 ? [a, b] : [b, a];
      dial(first, second);
      if (race % 5 > 0) await turn(race % 5); // from the same instant to some milliseconds apart
      dial(second, first);
      await until(
        `race ${race}: ${idsOf(a)} and ${idsOf(b)}`,
        () => pendingOf(a) + pendingOf(b) === 0 && idsOf(a).length === 1 && idsOf(b).length === 1,
      );
      expect(idsOf(a), `race ${race}`).toEqual(idsOf(b));
      const [session] = a.manager.active();
      await session?.ping();
      expect(idsOf(a), `race ${race}`).toEqual(idsOf(b));
      kept[session?.direction ?? 'inbound']++;
      session?.disconnect();
      await until(`race ${race} is over`, () => a.manager.list().length + b.manager.list().length === 0);
    }
    expect(kept.inbound + kept.outbound).toBe(RACES);
  },
  20_000 + RACES * 200,
);
