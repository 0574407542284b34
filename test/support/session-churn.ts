import { getEventListeners } from 'node:events';
import { readdirSync } from 'node:fs';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sameBytes } from '../../src/codec/index.js';
import { chooseCrypto } from '../../src/crypto/index.js';
import { EthError, type EthVersion, type Status } from '../../src/eth/index.js';
import { type Clock, realWorld, type TcpSocket, type World } from '../../src/runtime/index.js';
import {
  type SessionHandle,
  SessionManager,
  type SessionManagerOptions,
  type StatusProvider,
} from '../../src/session/index.js';
import { ScriptedPeer } from '../../src/testing/index.js';

/** What is there before, and must be there again after: nothing more. */
export interface Holdings {
  readonly sessions: number;
  readonly timers: number;
  readonly sockets: number;
  /** Open files of the process; 0 where the system does not tell. */
  readonly fds: number;
  /** On a signal that all dials share. */
  readonly abortListeners: number;
}

export interface ChurnReport {
  /** That ended, at either side, by how they ended: `closed active`. */
  readonly ends: Readonly<Record<string, number>>;
  readonly sessions: number;
  readonly inbound: number;
  readonly before: Holdings;
  readonly after: Holdings;
  /** What each ended session leaves on the heap, measured over the second half. */
  readonly heapBytesPerSession: number;
  readonly ms: number;
}

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const LANES = 4;
const HEAP_SAMPLES = 24;
/** What a silent peer gets; short, or most of the time would be waiting. */
const AUTH_MS = 60;
const crypto = chooseCrypto();
const world = realWorld();

const status = (networkId: bigint): StatusProvider => ({
  status(version: EthVersion): Status {
    const genesisHash = new Uint8Array(32).fill(0x91);
    const common = { networkId, genesisHash, forkId: { hash: Uint8Array.of(1, 2, 3, 4), next: 0n } };
    if (version === 68) return { version, ...common, totalDifficulty: 1n, bestHash: genesisHash };
    return { version, ...common, earliest: 0n, latest: 9n, latestHash: genesisHash };
  },
  check: (remote) =>
    remote.networkId === networkId ? undefined : new EthError('ERR_ETH_STATUS_NETWORK', 'another network'),
});

/** The real clock, with its timers counted. */
function countingClock(): Clock & { readonly pending: () => number } {
  const { clock } = world;
  let pending = 0;
  return {
    now: () => clock.now(),
    wallMs: () => clock.wallMs(),
    soon: (run) => clock.soon(run),
    pending: () => pending,
    timer(delayMs, fire) {
      let over = false;
      const end = (): void => {
        if (!over) pending--;
        over = true;
      };
      pending++;
      const timer = clock.timer(delayMs, () => {
        end();
        fire();
      });
      return {
        cancel: () => {
          end();
          timer.cancel();
        },
      };
    },
  };
}

interface Manager {
  readonly manager: SessionManager;
  readonly to: { readonly host: string; readonly port: number; readonly publicKey: Uint8Array };
}

/** Begins and ends sessions over loopback until so many have ended, by every path and in both roles. */
export async function churn(sessions: number): Promise<ChurnReport> {
  const clock = countingClock();
  const everyone: SessionManager[] = [];
  const ends: Record<string, number> = {};
  let ended = 0;
  let inbound = 0;
  let keys = 0;
  const abort = new AbortController();
  const freshKey = (): Uint8Array => {
    const key = new Uint8Array(32).fill(0x33);
    new DataView(key.buffer).setUint32(28, ++keys);
    return key;
  };
  const open = async (options: Partial<SessionManagerOptions> = {}): Promise<Manager> => {
    const manager = new SessionManager({
      ...{ world: { ...world, clock } satisfies World, crypto, secretKey: freshKey(), clientId: 'churn' },
      ...{ status: status(1n), deadlines: { lingerMs: 200 } },
      limits: {
        ...{ maxPendingInbound: 200, maxPendingOutbound: 200 },
        ...{ maxActiveInbound: 200, maxActiveOutbound: 200 },
      },
      ...options,
    });
    manager.on('closed', ({ session, cause }) => {
      ended++;
      if (session.direction === 'inbound') inbound++;
      const way = `${cause.outcome} by ${cause.by} while ${cause.stage}`;
      ends[way] = (ends[way] ?? 0) + 1;
    });
    everyone.push(manager);
    const at = await manager.listen(LOOPBACK);
    return { manager, to: { ...at, publicKey: manager.publicKey } };
  };

  const house = await open();
  const elsewhere = await open({ status: status(2n) });
  const impatient = await open({ deadlines: { authMs: AUTH_MS } });
  const nobody = await open();
  await nobody.manager.close();
  const lanes = await Promise.all(Array.from({ length: LANES }, () => open()));
  const quiet = async (): Promise<void> => {
    while (everyone.some((manager) => manager.list().length > 0)) await wait(1);
  };
  const scripted = (): ScriptedPeer =>
    new ScriptedPeer({ world: { ...world, clock }, crypto, secretKey: freshKey() });
  const signal = abort.signal;

  /** Each begins one or two sessions between two; `lane` is the one of them that no other lane uses. */
  const paths: readonly ((a: Manager, b: Manager, lane: Manager) => Promise<void>)[] = [
    async (a, b) => {
      const session = await a.manager.dial(b.to, { signal }).active;
      session.disconnect();
    },
    async (a, b) => {
      await a.manager.dial(b.to, { signal }).active;
      await heardOf(b.manager, a.manager);
      b.manager.getByPeer(a.manager.publicKey)?.disconnect(8);
    },
    async (a, b) => a.manager.dial(b.to, { signal }).disconnect(),
    async (a, b) => {
      const own = new AbortController();
      const handle = a.manager.dial(b.to, { signal: own.signal });
      for (let i = 0; i < 3; i++) await turn();
      own.abort();
      await settled(handle);
    },
    async (_, __, lane) => settled(lane.manager.dial(nobody.to, { signal })),
    async (_, __, lane) =>
      settled(lane.manager.dial({ ...house.to, publicKey: elsewhere.to.publicKey }, { signal })),
    async (_, __, lane) => settled(lane.manager.dial(elsewhere.to, { signal })),
    async (a, b) => {
      const session = await a.manager.dial(b.to, { signal }).active;
      const asked = session.eth.getBlockBodies([new Uint8Array(32)], { signal });
      const pinged = session.ping({ signal });
      session.disconnect();
      await Promise.allSettled([asked, pinged]);
    },
    async (a, b) => {
      const handles = [a.manager.dial(b.to, { signal }), b.manager.dial(a.to, { signal })];
      await Promise.race(handles.map(({ ended }) => ended));
      await Promise.race(handles.map(({ active }) => active.catch(() => new Promise(() => undefined))));
      for (const handle of handles) handle.disconnect();
    },
    async (_, b) => {
      const socket = await rawSocket(b);
      socket.write([Uint8Array.of(1, 0x8e, ...new Uint8Array(398).fill(7))]); // as long as it says, and no auth
      await closed(socket);
    },
    async (_, b) => (await rawSocket(b)).destroy(),
    async () => closed(await rawSocket(impatient)), // silent: the deadline ends it
    ...(['destroy', 'disconnect', 'breach', 'mac', 'twice'] as const).map(
      (way) => async (_: Manager, b: Manager) => {
        const peer = scripted();
        const session = await peer.dial(b.to);
        await session.ready;
        if (way === 'destroy') session.destroy();
        if (way === 'disconnect') session.disconnect(4);
        if (way === 'breach') session.sendFrame(0x10 + 200, Uint8Array.of(0xc0));
        if (way === 'mac') session.sendBytes(new Uint8Array(32));
        if (way === 'twice') {
          const second = await peer.dial(b.to);
          await second.ended;
          session.destroy();
        }
        await session.ended;
        await peer.close();
      },
    ),
  ];

  /** One lane goes through the paths by itself, in both roles, until enough sessions have ended. */
  const walk = async (lane: Manager, first: number, upTo: number): Promise<void> => {
    for (let i = first; ended < upTo; i++) {
      const [a, b] = i % 2 === 0 ? [lane, house] : [house, lane];
      await paths[(i >> 1) % paths.length]?.(a, b, lane);
      while (lane.manager.list().length > 0 || isWith(house.manager, lane.manager)) await wait(1);
    }
  };
  const round = async (upTo: number): Promise<void> => {
    await Promise.all(lanes.map((lane, i) => walk(lane, 8 * i, upTo)));
    await quiet();
  };

  const held = (): Holdings => ({
    sessions: everyone.reduce((sum, manager) => sum + manager.list().length, 0),
    timers: clock.pending(),
    sockets: process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length,
    fds: openFiles(),
    abortListeners: getEventListeners(signal, 'abort').length,
  });

  await round(Math.min(sessions / 4, 300)); // what is made once is made now
  await lingered();
  const before = held();
  const started = clock.now();
  const warm = ended;
  const heap: (readonly [sessions: number, bytes: number])[] = [];
  for (let sample = 1; sample <= HEAP_SAMPLES; sample++) {
    await round(warm + Math.round(((sessions - warm) * sample) / HEAP_SAMPLES));
    await lingered();
    heap.push([ended, heapBytes()]);
  }
  const ms = clock.now() - started;
  const after = held();
  for (const manager of everyone) await manager.close();
  const heapBytesPerSession = slope(heap.slice(HEAP_SAMPLES / 2));
  return { ends, sessions: ended, inbound, before, after, heapBytesPerSession, ms };

  /** Sockets that linger after a Disconnect, and the system's word that they are closed. */
  async function lingered(): Promise<void> {
    await wait(60);
    for (let waits = 0; waits < 100 && clock.pending() > 0; waits++) await wait(10);
  }
}

async function settled({ ended }: SessionHandle): Promise<void> {
  await ended;
}

async function heardOf(manager: SessionManager, peer: SessionManager): Promise<void> {
  while (manager.getByPeer(peer.publicKey) === undefined) await wait(1);
}

function isWith(manager: SessionManager, peer: SessionManager): boolean {
  return manager
    .list()
    .some(({ publicKey }) => publicKey !== undefined && sameBytes(publicKey, peer.publicKey));
}

function rawSocket({ to }: Manager): Promise<TcpSocket & { readonly gone: Promise<void> }> {
  return world.tcp.connect({ host: to.host, port: to.port }).then((socket) => {
    const gone = new Promise<void>((resolve) => {
      const nothing = (): void => undefined;
      socket.attach({ data: nothing, drain: nothing, end: () => socket.destroy(), closed: () => resolve() });
    });
    return Object.assign(socket, { gone });
  });
}

function closed(socket: { readonly gone: Promise<void> }): Promise<void> {
  return socket.gone;
}

function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0; // no Linux
  }
}

let collect: (() => void) | undefined;

function heapBytes(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  collect(); // what the first one's finalizers let go
  return process.memoryUsage().heapUsed;
}

/** Least squares: bytes per session. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean((point) => point[0]), mean((point) => point[1])];
  const top = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return top / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}
