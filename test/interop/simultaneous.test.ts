import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createNode, type RlpxdNode, realWorld } from '../../src/index.js';
import type { TcpSocket } from '../../src/runtime/index.js';
import { idOf } from './support/daemon.js';
import { type Geth, startGeth, until } from './support/geth.js';
import { demoChain } from './support/places.js';

const RACES = 50;
/** Races at once: more of them only wait for each other on two cores. */
const AT_ONCE = 10;

/** A node with a key of its own, and the sockets that it holds. */
class Racer {
  readonly sockets = new Set<TcpSocket>();
  /** Directions of the sessions that began. */
  readonly begun: string[] = [];
  #node: RlpxdNode | undefined;

  get node(): RlpxdNode {
    if (this.#node === undefined) throw new Error('not started');
    return this.#node;
  }

  get id(): string {
    return idOf(this.node.enode ?? '');
  }

  async start(): Promise<this> {
    const world = realWorld();
    const held = (socket: TcpSocket): TcpSocket => {
      const { attach } = socket;
      this.sockets.add(socket);
      socket.attach = (handlers) =>
        attach.call(socket, {
          data: (chunk) => handlers.data(chunk),
          drain: () => handlers.drain(),
          end: () => handlers.end(),
          closed: (error) => {
            this.sockets.delete(socket);
            handlers.closed(error);
          },
        });
      return socket;
    };
    this.#node = await createNode({
      chain: readFileSync(demoChain.genesis, 'utf8'),
      listen: { host: '127.0.0.1', port: 0 },
      world: {
        ...world,
        tcp: {
          connect: async (to, options) => held(await world.tcp.connect(to, options)),
          listen: (at, accept) => world.tcp.listen(at, (socket) => accept(held(socket))),
        },
      },
    });
    this.node.sessions.on('created', ({ session }) => this.begun.push(session.direction));
    return this;
  }

  /** Both dial at once, as far as that can be said of two processes: we so much later than geth is asked to. */
  async race(geth: Geth, afterMs: number): Promise<void> {
    const asked = geth.call('admin_addPeer', this.node.enode);
    if (afterMs > 0) await sleep(afterMs);
    try {
      this.node.dial(geth.enode).active.catch(() => undefined);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_SESSION_ALREADY_CONNECTED' });
    }
    await asked;
  }

  /** The one connection that both hold, as geth names its ends; undefined where it is not so (yet). */
  async connection(geth: Geth): Promise<string | undefined> {
    const { sessions } = this.node;
    const { pendingInbound, pendingOutbound } = sessions.count();
    const [session, another] = sessions.active();
    const [socket, leftOver] = this.sockets;
    const theirs = (await geth.peers()).filter(({ id }) => id === this.id);
    const [peer] = theirs;
    if (pendingInbound + pendingOutbound > 0 || another !== undefined || leftOver !== undefined)
      return undefined;
    if (session === undefined || socket === undefined || peer === undefined || theirs.length > 1)
      return undefined;
    if (typeof peer.protocols.eth !== 'object') return undefined;
    const { localAddress, remoteAddress, inbound } = peer.network;
    const [local, remote] = [socket.local, socket.remote].map(({ host, port }) => `${host}:${port}`);
    const same = local === remoteAddress && remote === localAddress;
    return same && inbound === (session.direction === 'outbound')
      ? `${localAddress} ${remoteAddress}`
      : undefined;
  }
}

test(`two that dial each other at once keep the same connection, ${RACES} times, and nothing of the other one is left`, async () => {
  const geth = await startGeth({ chain: demoChain, blocks: 0, maxPeers: 2 * RACES });
  const socketsBefore = socketsOf(geth.process.pid);
  const racers: Racer[] = [];
  onTestFinished(async () => {
    await Promise.all(racers.map(({ node }) => node.close()));
  });
  const kept: string[] = [];
  for (let begun = 0; begun < RACES; begun += AT_ONCE) {
    const batch = await Promise.all(Array.from({ length: AT_ONCE }, () => new Racer().start()));
    racers.push(...batch);
    await Promise.all(batch.map((racer, i) => racer.race(geth, i % 5)));
    const settled = (racer: Racer): Promise<string> =>
      until(`one session with ${racer.id}`, () => racer.connection(geth));
    kept.push(...(await Promise.all(batch.map(settled))));
  }
  const crossed = racers.filter(({ begun }) => new Set(begun).size === 2).length;
  // the rest are dials of which one was over before the other began: they prove less
  expect(crossed).toBeGreaterThanOrEqual(RACES / 5);

  await sleep(2_000);
  for (const [i, racer] of racers.entries()) {
    expect(await racer.connection(geth), racer.id).toBe(kept[i]);
    const [session] = racer.node.sessions.active();
    expect(await session?.ping()).toBeGreaterThan(0);
    expect(racer.node.sessions.list()).toHaveLength(1);
  }

  await Promise.all(racers.map(({ node }) => node.close()));
  expect(racers.map(({ sockets }) => sockets.size)).toEqual(racers.map(() => 0));
  await until('geth without peers', async () => (await geth.peers()).length === 0 || undefined);
  if (socketsBefore !== undefined) {
    const left = async (): Promise<true | undefined> =>
      socketsOf(geth.process.pid) === socketsBefore || undefined;
    await until(`${socketsBefore} sockets of geth`, left);
  }
});

/** How many sockets a process holds; undefined where the system does not say. */
function socketsOf(pid: number): number | undefined {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).filter((fd) => isSocket(`${folder}/${fd}`)).length;
  } catch {
    return undefined;
  }
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('socket:');
  } catch {
    return false; // closed meanwhile
  }
}
