import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Clock, realWorld, type TcpSocket } from '../../src/runtime/index.js';
import { SessionManager } from '../../src/session/index.js';
import {
  makesWay,
  type OnItsWay,
  PROVEN_PATIENCE_MS,
  UNPROVEN_PATIENCE_MS,
} from '../../src/session/making-way.js';
import { crypto, PORT, type ScriptedCall, SECOND, TellingStatus, Town } from '../support/rows-town.js';

const NOTHING = (): void => undefined;

const clockOf = ({ clock }: Town): Clock => ({
  now: () => clock.now(),
  wallMs: () => clock.wallMs(),
  soon: (run) => clock.soon(run),
  timer: (delayMs, fire) => clock.timer(delayMs, fire),
});

/** Takes what comes and says nothing. */
function silent(socket: TcpSocket, closed: () => void = NOTHING): TcpSocket {
  socket.attach({ data: NOTHING, drain: NOTHING, end: () => socket.destroy(), closed });
  return socket;
}

describe('who makes way', () => {
  test('the one that stands still the longest, of the larger group', () => {
    const at = (isProven: boolean, stalledMs: number): OnItsWay => ({ isProven, stalledMs });
    expect(makesWay([])).toBeUndefined();
    expect(makesWay([at(false, 499), at(false, 3)])).toBeUndefined();
    expect(makesWay([at(false, 500), at(false, 501), at(true, 9_000)])).toEqual(at(false, 501));
    expect(makesWay([at(false, 4_000), at(true, 999), at(true, 0)])).toBeUndefined();
    expect(makesWay([at(false, 4_000), at(true, 1_000), at(true, 1_001)])).toEqual(at(true, 1_001));
    expect(makesWay([at(false, 700), at(true, 4_000)])).toEqual(at(false, 700));
  });

  test('nobody who has made a step lately, and nobody of a group that holds less than half', () => {
    const session = fc.record({ isProven: fc.boolean(), stalledMs: fc.nat(6_000) });
    fc.assert(
      fc.property(fc.array(session, { maxLength: 60 }), (pending) => {
        const evicted = makesWay(pending);
        const alike = (one: OnItsWay) => pending.filter(({ isProven }) => isProven === one.isProven);
        if (evicted === undefined) {
          const proven = alike({ isProven: true, stalledMs: 0 });
          const rest = alike({ isProven: false, stalledMs: 0 });
          const [larger, patienceMs] =
            proven.length > rest.length ? [proven, PROVEN_PATIENCE_MS] : [rest, UNPROVEN_PATIENCE_MS];
          return larger.every(({ stalledMs }) => stalledMs < patienceMs);
        }
        const patienceMs = evicted.isProven ? PROVEN_PATIENCE_MS : UNPROVEN_PATIENCE_MS;
        return (
          evicted.stalledMs >= patienceMs &&
          2 * alike(evicted).length >= pending.length &&
          alike(evicted).every(({ stalledMs }) => stalledMs <= evicted.stalledMs)
        );
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('C2: places that are held by those who say nothing', () => {
  /** Fills every place, and each that is lost again. */
  async function besieged(holdBack: 'auth' | 'hello' | 'status') {
    const town = new Town(3, { link: { latencyMs: 5 } });
    const node = await town.node();
    const held: ScriptedCall[] = [];
    for (let i = 0; i < 50; i++) held.push(await town.caller(node, { holdBack: [holdBack] }));
    await town.clock.advance(50);
    expect(node.manager.count().pendingInbound).toBe(50);
    const refill = (): void => {
      for (const { peer, session } of held.filter(({ session: { end } }) => end !== undefined)) {
        held.splice(
          held.findIndex((one) => one.session === session),
          1,
        );
        const { publicKey } = node.manager;
        peer
          .dial({ host: node.host, port: PORT, publicKey })
          .then((again) => held.push({ peer, session: again, host: '' }), NOTHING);
      }
    };
    return { town, node, held, refill };
  }

  test.each(['auth', 'hello', 'status'] as const)(
    'C2: fifty that hold back %s, and come again, keep no honest dialer out for longer than a second',
    async (step) => {
      const { town, node, refill } = await besieged(step);
      const honest = await town.peer();
      const { publicKey } = node.manager;
      let tookMs = 0;
      let [dialed] = [await town.clock.settle(honest.peer.dial({ host: node.host, port: PORT, publicKey }))];
      while (node.manager.active().length === 0) {
        await town.clock.advance(20);
        tookMs += 20;
        refill();
        if (dialed.end !== undefined)
          dialed = await town.clock.settle(honest.peer.dial({ host: node.host, port: PORT, publicKey }));
        expect(tookMs).toBeLessThan(1_100);
        expect(node.manager.count().pendingInbound).toBeLessThanOrEqual(50);
      }
      expect(node.manager.active().map(({ publicKey: key }) => key)).toEqual([honest.peer.publicKey]);
      const evicted = node.causes.filter(({ code }) => code === 'ERR_SESSION_EVICTED');
      expect(evicted.length).toBeGreaterThan(0);
      for (const cause of evicted) expect(cause).toMatchObject({ outcome: 'cancelled', by: 'policy' });
    },
  );

  test('C2: who is evicted is closed: no socket and no timer of it is left', async () => {
    const { town, node, held } = await besieged('auth');
    await town.clock.advance(UNPROVEN_PATIENCE_MS);
    const { ours } = await town.guest(node);
    const gone = held.filter(({ session }) => session.end !== undefined);
    expect(gone.map(({ session }) => session.end)).toEqual([{ by: 'transport', code: 'EOF' }]);
    expect(gone[0]?.peer).toBe(held[0]?.peer);
    expect(town.socketsOf(node.host)).toBe(50);
    await town.clock.advance(6 * SECOND);
    expect(node.manager.list().map(({ id }) => id)).toEqual([ours.id]);
    expect(town.socketsOf(node.host)).toBe(1);
  });

  test('C2: a flood of silent sockets drives out nobody who has proven a key', async () => {
    const town = new Town(4, { link: { latencyMs: 5 } });
    const node = await town.node();
    const slow = [];
    for (let i = 0; i < 10; i++) slow.push(await town.caller(node, { holdBack: ['status'] }));
    const { tcp } = town.world('10.8.0.1');
    for (let i = 0; i < 400; i++) {
      tcp.connect({ host: node.host, port: PORT }).then((socket) => silent(socket), NOTHING);
      await town.clock.advance(10);
    }
    for (const { session } of slow) session.release();
    await town.clock.advance(50);
    expect(node.manager.count()).toMatchObject({ activeInbound: 10, pendingInbound: 40 });
    for (const { session } of slow) expect(session.end).toBeUndefined();
  });

  test('C2: the policy is not asked about those who find no place, and who it refuses drives out nobody', async () => {
    let refuses = false;
    let asked = 0;
    const town = new Town(5);
    const node = await town.node({
      limits: { maxPendingInbound: 2 },
      policy: {
        admit: ({ stage }) => {
          if (stage === 'accept') asked++;
          return refuses ? { accept: false, reason: 4, says: 'not you' } : { accept: true, kind: 'dynamic' };
        },
      },
    });
    for (let i = 0; i < 3; i++) await town.caller(node, { holdBack: ['auth'] });
    await town.clock.advance(50);
    expect([asked, node.manager.count().pendingInbound]).toEqual([2, 2]);
    expect(node.refused).toMatchObject([{ says: expect.stringContaining('maxPendingInbound is 2') }]);
    await town.clock.advance(UNPROVEN_PATIENCE_MS);
    refuses = true;
    await town.caller(node, { holdBack: ['auth'] });
    await town.clock.advance(50);
    expect(asked).toBe(3);
    expect(node.causes).toEqual([]);
    expect(node.manager.count().pendingInbound).toBe(2);
  });

  test('C2: who has said all there is to say, and waits for our work on the curve, does not stand still', async () => {
    const town = new Town(7);
    const world = town.world('10.5.0.1');
    // a loop whose turns take 800 ms: the second handshake has to wait for the next one
    const soon = (run: () => void): void => void town.clock.timer(800, run);
    const manager = new SessionManager({
      world: { ...world, clock: { ...clockOf(town), soon } },
      ...{ crypto, clientId: 'slow', status: new TellingStatus(), secretKey: new Uint8Array(32).fill(9) },
      limits: { maxPendingInbound: 2 },
    });
    const causes: (string | undefined)[] = [];
    const refused: string[] = [];
    manager.on('closed', ({ cause }) => causes.push(cause.code));
    manager.on('refused', ({ says }) => refused.push(says));
    await town.clock.settle(manager.listen({ host: '0.0.0.0', port: PORT }));
    const to = { host: '10.5.0.1', port: PORT, publicKey: manager.publicKey };
    for (let i = 0; i < 2; i++) {
      const { peer } = await town.peer({ holdBack: ['hello'] });
      await town.clock.settle(peer.dial(to));
    }
    await town.clock.advance(600);
    expect(manager.list().map(({ state }) => state)).toEqual(['greeting', 'authenticating']);
    const { peer } = await town.peer();
    await town.clock.settle(peer.dial(to));
    await town.clock.advance(50);
    expect([causes, refused]).toEqual([[], [expect.stringContaining('maxPendingInbound is 2')]]);
    await town.clock.advance(400);
    expect(manager.list().map(({ state }) => state)).toEqual(['greeting', 'greeting']);
    await town.clock.settle(manager.close());
  });

  test('H7: beside a session that stands, a stranger’s handshake is done in pieces, a turn of the loop for each', async () => {
    const town = new Town(8);
    const world = town.world('10.5.0.1');
    const soon = (run: () => void): void => void town.clock.timer(100, run);
    const manager = new SessionManager({
      world: { ...world, clock: { ...clockOf(town), soon } },
      ...{ crypto, clientId: 'slow', status: new TellingStatus(), secretKey: new Uint8Array(32).fill(9) },
    });
    await town.clock.settle(manager.listen({ host: '0.0.0.0', port: PORT }));
    const to = { host: '10.5.0.1', port: PORT, publicKey: manager.publicKey };
    const states: string[] = [];
    for (const holdBack of [[], ['hello'] as const]) {
      const { peer } = await town.peer({ holdBack });
      const startedMs = town.clock.now();
      await town.clock.settle(peer.dial(to));
      await town.clock.advance(50 - (town.clock.now() - startedMs));
      states.push(manager.list().at(-1)?.state ?? 'none');
      await town.clock.advance(2_000);
    }
    expect(states).toEqual(['active', 'authenticating']);
    expect(manager.list().map(({ state }) => state)).toEqual(['active', 'greeting']);
    await town.clock.settle(manager.close());
  });

  test('C2: a manager that is closed while one makes way accepts nobody', async () => {
    const town = new Town(6);
    const node = await town.node({ limits: { maxPendingInbound: 1 } });
    await town.caller(node, { holdBack: ['auth'] });
    await town.clock.advance(UNPROVEN_PATIENCE_MS);
    node.manager.on('closed', () => void node.manager.close());
    await town.caller(node, { holdBack: ['auth'] });
    await town.clock.advance(3 * SECOND);
    expect(node.causes).toMatchObject([{ code: 'ERR_SESSION_EVICTED' }]);
    expect(node.refused).toMatchObject([{ says: 'we shut down' }]);
    expect(town.socketsOf(node.host)).toBe(0);
  });

  test('C2: over real sockets, an honest node gets in between fifty silent ones that come again', async () => {
    const world = realWorld();
    // no deadline ends the silent ones for us
    const deadlines = { authMs: 600_000, pendingMs: 600_000 };
    const [node, honest] = [1, 2].map(
      (key) =>
        new SessionManager({
          ...{ world, crypto, clientId: `node${key}`, status: new TellingStatus(), deadlines },
          secretKey: new Uint8Array(32).fill(key),
        }),
    );
    if (node === undefined || honest === undefined) throw new Error('two nodes were made');
    const at = await node.listen({ host: '127.0.0.1', port: 0 });
    const open = new Set<TcpSocket>();
    let leaving = false;
    const hold = async (): Promise<void> => {
      const socket = await world.tcp.connect(at).catch(NOTHING);
      if (socket === undefined) return;
      open.add(socket);
      silent(socket, () => {
        open.delete(socket);
        if (!leaving) setTimeout(hold, 10);
      });
      if (leaving) socket.destroy();
    };
    await Promise.all(Array.from({ length: 50 }, hold));
    while (node.count().pendingInbound < 50) await new Promise((resolve) => setTimeout(resolve, 5));
    const to = { ...at, publicKey: node.publicKey };
    for (;;) {
      const handle = honest.dial(to);
      const session = await handle.active.catch(NOTHING);
      if (session !== undefined) break;
      await handle.ended;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(honest.active()).toHaveLength(1);
    expect(node.count().pendingInbound).toBeLessThanOrEqual(50);
    leaving = true;
    await Promise.all([honest.close(), node.close()]);
    while (open.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});
