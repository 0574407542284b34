import { expect, test } from 'vitest';
import { bytesToHex } from '../../src/codec/index.js';
import { seededRandom } from '../../src/runtime/index.js';
import type { PeerPolicy, SessionCounts, SessionHandle } from '../../src/session/index.js';
import { PORT, SECOND, Town, type TownNode } from '../support/rows-town.js';

const limits = { maxPendingInbound: 3, maxPendingOutbound: 3, maxActiveInbound: 2, maxActiveOutbound: 2 };
const PEERS = 9;
const TRUSTED = 0;
const STATIC = 1;
/** Known by its key as one that misbehaved, and by nothing before. */
const MISBEHAVED = [2, 3];
/** Of an address that is not wanted. */
const UNWANTED = 4;

/** What a naive reader of the events believes. */
class Model {
  readonly #where = new Map<string, 'pending' | 'active'>();
  readonly #sessions = new Map<string, SessionHandle>();

  constructor({ manager }: TownNode) {
    manager.on('created', ({ session }) => this.#put(session, 'pending'));
    manager.on('activated', ({ session }) => this.#put(session, 'active'));
    manager.on('closed', ({ session }) => {
      this.#where.delete(session.id);
      this.#sessions.delete(session.id);
    });
  }

  /** @param trusted whether trusted ones count, too: for them there are no limits */
  counts(trusted: boolean): SessionCounts {
    const counts = { pendingInbound: 0, pendingOutbound: 0, activeInbound: 0, activeOutbound: 0 };
    for (const [id, where] of this.#where) {
      const { direction, kind } = this.#sessions.get(id) as SessionHandle;
      if (kind === 'trusted' && !trusted) continue;
      counts[`${where}${direction === 'inbound' ? 'Inbound' : 'Outbound'}`]++;
    }
    return counts;
  }

  #put(session: SessionHandle, where: 'pending' | 'active'): void {
    this.#sessions.set(session.id, session);
    this.#where.set(session.id, where);
  }
}

test('C5, C6: trusted, static, refused, misbehaved, duplicate, simultaneous and crashed ones, in any order: counts equal a recount, and nothing leaks', async () => {
  for (const seed of [1, 2]) {
    const random = seededRandom(`admission ${seed}`);
    const town = new Town(seed, { link: { latencyMs: 5, jitterMs: 10 } });
    const kinds = new Map<string, 'trusted' | 'static'>();
    const misbehaved = new Set<string>();
    const unwanted = new Set<string>();
    const policy: PeerPolicy = {
      admit: ({ address, publicKey, kind = 'dynamic' }) => {
        const key = publicKey === undefined ? '' : bytesToHex(publicKey);
        if (misbehaved.has(key)) return { accept: false, reason: 3, says: 'misbehaved' };
        if (unwanted.has(address.host)) return { accept: false, reason: 0, says: 'not from there' };
        return { accept: true, kind: kinds.get(key) ?? kind };
      },
    };
    const node = await town.node({ limits, policy });
    const model = new Model(node);
    const peers: TownNode[] = [];
    for (let i = 0; i < PEERS; i++) peers.push(await town.node());
    const keyOf = (i: number): string => bytesToHex((peers[i] as TownNode).manager.publicKey);
    kinds.set(keyOf(TRUSTED), 'trusted').set(keyOf(STATIC), 'static');
    for (const i of MISBEHAVED) misbehaved.add(keyOf(i));
    unwanted.add((peers[UNWANTED] as TownNode).host);
    const quietly = (work: () => unknown): void => {
      try {
        work();
      } catch (error) {
        expect((error as { code: string }).code).toMatch(/LIMIT|ALREADY/);
      }
    };
    const raw: (() => void)[] = [];
    const knock = (bytes: Uint8Array | undefined): void => {
      const nothing = (): void => undefined;
      const { tcp } = town.world('10.9.0.1');
      void tcp.connect({ host: node.host, port: PORT }).then((socket) => {
        socket.attach({ data: nothing, drain: nothing, end: () => socket.destroy(), closed: nothing });
        if (bytes !== undefined) socket.write([bytes]);
        raw.push(() => socket.destroy());
      });
    };
    const operations: (() => void)[] = [
      () => quietly(() => town.dial(node, any())),
      () => quietly(() => town.dial(any(), node)),
      () => {
        const other = any();
        quietly(() => town.dial(node, other));
        quietly(() => town.dial(other, node));
      },
      () => quietly(() => town.dial(node, peers[TRUSTED] as TownNode, { kind: 'trusted' })),
      () => quietly(() => town.dial(peers[TRUSTED] as TownNode, node)),
      () => knock(undefined),
      () => knock(random.bytes(307)),
      () => raw.splice(random.below(raw.length + 1), 1)[0]?.(),
      () => node.manager.list()[random.below(6)]?.disconnect(random.below(12)),
      () => any().manager.list()[0]?.disconnect(),
      () => town.network.reset(node.host, any().host),
    ];
    const any = (): TownNode => peers[random.below(PEERS)] as TownNode;
    for (let step = 0; step < 1_500; step++) {
      operations[random.below(operations.length)]?.();
      expect(node.manager.count()).toEqual(model.counts(true));
      await town.clock.advance(random.unit() < 0.02 ? 2 * SECOND : random.below(25));
      expect(node.manager.count()).toEqual(model.counts(true));
      const counted = model.counts(false);
      expect(node.manager.count().pendingInbound).toBeLessThanOrEqual(limits.maxPendingInbound);
      expect(counted.pendingOutbound).toBeLessThanOrEqual(limits.maxPendingOutbound);
      expect(counted.activeInbound).toBeLessThanOrEqual(limits.maxActiveInbound);
      expect(counted.activeOutbound).toBeLessThanOrEqual(limits.maxActiveOutbound);
      const keys = node.manager.active().map(({ publicKey }) => bytesToHex(publicKey));
      expect(new Set(keys).size).toBe(keys.length);
      expect(keys.filter((key) => misbehaved.has(key) || key === keyOf(UNWANTED))).toEqual([]);
    }
    const ways = new Set(node.causes.map(({ outcome, by }) => `${outcome} ${by}`));
    expect([...ways].sort()).toEqual(
      expect.arrayContaining(['cancelled policy', 'closed local', 'closed remote', 'faulted transport']),
    );
    // all go, and every place is there again
    for (const session of node.manager.list()) session.disconnect();
    for (const drop of raw) drop();
    await town.clock.advance(20 * SECOND);
    expect(node.manager.count()).toEqual(model.counts(true));
    expect(Object.values(node.manager.count())).toEqual([0, 0, 0, 0]);
    for (const i of [5, 6]) await town.clock.settle(town.dial(peers[i] as TownNode, node).active);
    for (const i of [7, 8]) await town.clock.settle(town.dial(node, peers[i] as TownNode).active);
    await town.clock.advance(SECOND);
    expect(node.manager.count()).toMatchObject({ activeInbound: 2, activeOutbound: 2 });
  }
}, 60_000);
