import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { chooseCrypto } from '../../src/crypto/index.js';
import { realWorld, seededRandom } from '../../src/runtime/index.js';
import { SessionManager, type SessionManagerOptions } from '../../src/session/index.js';
import { statusProvider } from '../support/session-nodes.js';

const crypto = chooseCrypto();
const random = seededRandom('flood');
const AUTH_MS = 1_000;

function manager(key: number, options: Partial<SessionManagerOptions> = {}): SessionManager {
  return new SessionManager({
    ...{ world: realWorld(), crypto, secretKey: new Uint8Array(32).fill(key) },
    ...{ clientId: `node${key}`, status: statusProvider() },
    ...options,
  });
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Well begun, with a point of the curve, so that the key is used before the tag turns out to be wrong. */
function garbageAuth(): Uint8Array {
  const size = 400;
  const auth = random.bytes(2 + size);
  auth.set([size >> 8, size & 0xff, 4, ...crypto.publicKey(random.bytes(32))]);
  return auth;
}

/** Strangers on one port; counts those that are still connected. */
class Crowd {
  readonly #port: number;
  readonly #sockets = new Set<Socket>();

  constructor(port: number) {
    this.#port = port;
  }

  get size(): number {
    return this.#sockets.size;
  }

  come(connected: (socket: Socket) => void = () => undefined): void {
    const socket = connect(this.#port, '127.0.0.1', () => connected(socket));
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.resume();
  }

  async gone(withinMs: number): Promise<void> {
    for (let waited = 0; waited < withinMs && this.size > 0; waited += 50) await pause(50);
  }
}

interface Attack {
  readonly strangers: number;
  /** How sessions may end that came of it. */
  readonly codes: readonly string[];
  readonly connected?: (socket: Socket) => void;
}

const attacks: readonly [string, Attack][] = [
  [
    'E3: 300 connections that say nothing',
    { strangers: 300, codes: ['ERR_SESSION_AUTH_DEADLINE', 'ERR_SESSION_EVICTED'] },
  ],
  [
    'C1: 1,000 connections that say one byte and go',
    {
      ...{ strangers: 1_000, codes: ['EOF', 'ECONNRESET', 'CLOSED', 'ERR_SESSION_EVICTED'] },
      connected: (socket) => void socket.end(Uint8Array.of(1)),
    },
  ],
  [
    'H2: 500 first messages of garbage',
    {
      ...{ strangers: 500, codes: ['ERR_RLPX_AUTH'] },
      connected: (socket) => void socket.write(garbageAuth()),
    },
  ],
  [
    'C1, H11: 500 connections that close at once',
    { strangers: 500, codes: ['EOF', 'ECONNRESET', 'CLOSED'], connected: (socket) => void socket.destroy() },
  ],
];

describe('over real sockets, while an honest session pings', () => {
  test.each(attacks)(
    '%s, hold nobody up and leave nothing',
    async (_name, { strangers, codes, connected }) => {
      const server = manager(1, { deadlines: { authMs: AUTH_MS } });
      const ended = new Set<string>();
      server.on('closed', ({ cause }) => ended.add(cause.code ?? ''));
      const at = await server.listen({ host: '127.0.0.1', port: 0 });
      const honest = manager(2);
      const session = await honest.dial({ ...at, publicKey: server.publicKey }).active;
      const roundTrips: number[] = [];
      let over = false;
      const pinging = (async () => {
        while (!over) {
          roundTrips.push(await session.ping());
          await pause(2);
        }
      })();
      const crowd = new Crowd(at.port);
      for (let come = 0; come < strangers; come++) {
        crowd.come(connected);
        if (come % 10 === 9) await pause(10);
        expect(server.count().pendingInbound).toBeLessThanOrEqual(50);
      }
      await crowd.gone(AUTH_MS + 2_000);
      expect(crowd.size).toBe(0);
      over = true;
      await pinging;
      roundTrips.sort((a, b) => a - b);
      expect(roundTrips[Math.floor(roundTrips.length * 0.99)]).toBeLessThan(250);
      expect(ended.size).toBeGreaterThan(0);
      expect([...ended].filter((code) => !codes.includes(code))).toEqual([]);
      // the last to go may be gone on its side only
      for (let waits = 0; waits < 100 && server.count().pendingInbound > 0; waits++) await pause(10);
      expect(server.count()).toMatchObject({ pendingInbound: 0, activeInbound: 1 });
      expect(session.state).toBe('active');
      // and who comes now is welcome
      const next = manager(3);
      await next.dial({ ...at, publicKey: server.publicKey }).active;
      await Promise.all([server.close(), honest.close(), next.close()]);
      expect(server.list()).toEqual([]);
    },
  );
});
