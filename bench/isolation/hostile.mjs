// The hostile neighbours of `bench/isolation.mjs`, all in one process of their own and of the lowest priority, so that what they
// cost themselves is charged neither to the daemon nor to the honest peer. Each keeps to its rate; without one it goes as fast as
// its process can.
import { connect } from 'node:net';
import { constants, setPriority } from 'node:os';
import { library } from './library.mjs';
import { SORTS } from './sorts.mjs';

const { chooseCrypto, realWorld, parseEnode } = { ...(await library('index')), ...(await library('peers')) };
const { ScriptedPeer } = await library('testing');
const { snappyCompress, encodeList, encodeBytes } = await library('codec');

setPriority(constants.priority.PRIORITY_LOW);
const crypto = chooseCrypto();
const world = realWorld();
const target = parseEnode(process.argv[2], crypto);
const head = Number(process.argv[3]);
const TICK_MS = 10;
const MiB = 1024 * 1024;
const trial = { name: 'trial', version: 1, length: 4 };
const eth = { name: 'eth', version: 69, length: 18 };

const zeros = new Uint8Array(10 * MiB - 64);
const HUGE = {
  transactions: snappyCompress(encodeList([encodeBytes(zeros)])),
  trial: snappyCompress(zeros),
};

/** A socket whose bytes leave one at a time, once `slow.on`. */
function dripping(tcp, slow) {
  return {
    ...tcp,
    async connect(to, options) {
      const socket = await tcp.connect(to, options);
      const waiting = [];
      let timer;
      const drip = () => {
        const bytes = waiting[0];
        if (bytes === undefined) return;
        socket.write([bytes.slice(0, 1)]);
        if (bytes.length === 1) waiting.shift();
        else waiting[0] = bytes.subarray(1);
      };
      const attach = (handlers) =>
        socket.attach({
          ...handlers,
          closed: (error) => {
            clearInterval(timer);
            handlers.closed(error);
          },
        });
      return {
        local: socket.local,
        remote: socket.remote,
        attach,
        destroy: () => socket.destroy(),
        end: () => socket.end(),
        pause: () => socket.pause(),
        resume: () => socket.resume(),
        get pendingBytes() {
          return socket.pendingBytes;
        },
        get sentBytes() {
          return socket.sentBytes;
        },
        write(chunks) {
          if (!slow.on) return socket.write(chunks);
          for (const chunk of chunks) waiting.push(chunk.slice());
          timer ??= setInterval(drip, slow.everyMs);
          return true;
        },
      };
    },
  };
}

/** One neighbour: keeps a session, and does its deed so many times a second until it is stopped. */
class Neighbour {
  done = 0;
  sessions = 0;
  over = false;
  #session;
  #peer;

  constructor(sort, perSecond) {
    this.sort = sort;
    this.perSecond = perSecond;
    this.slow = { on: false, everyMs: 2 };
  }

  /** A session that stands, dialed anew where the last one was ended. */
  async session() {
    for (let waitMs = 20; !this.over; waitMs = Math.min(2 * waitMs, 1_000)) {
      if (this.#session?.end === undefined && this.#session !== undefined) return this.#session;
      this.slow.on = false;
      this.#peer ??= new ScriptedPeer({
        world: { ...world, tcp: dripping(world.tcp, this.slow) },
        crypto,
        capabilities: [eth, trial],
      });
      try {
        const session = await this.#peer.dial(target);
        await session.ready;
        this.#session = session;
        this.sessions++;
        return session;
      } catch {
        await pause(waitMs);
      }
    }
  }

  async run() {
    const deed = DEEDS[this.sort];
    const startedMs = performance.now();
    for (let due = 0; !this.over; ) {
      const session = deed.alone === true ? undefined : await this.session();
      if (this.over) break;
      due =
        this.perSecond === Infinity
          ? this.done + 64
          : ((performance.now() - startedMs) * this.perSecond) / 1_000;
      // what could not be done in time is not made up for: the rate is a ceiling
      if (due - this.done > this.perSecond) this.done = due;
      while (this.done < due && !this.over && (session === undefined || session.end === undefined)) {
        this.done++;
        try {
          const wait = deed.act(session, this);
          if (wait !== undefined) await wait;
        } catch {
          break; // it has just been ended
        }
        if (session !== undefined && session.backlogBytes > MiB) break; // the node does not read: no use in more
      }
      await (this.perSecond === Infinity ? new Promise((soon) => setImmediate(soon)) : pause(TICK_MS));
    }
  }

  async stop() {
    this.over = true;
    await this.#peer?.close();
  }
}

const pause = (ms) => new Promise((soon) => setTimeout(soon, ms));
const offsetOf = (session, name) => session.shared.find((one) => one.name === name).offset;
const hashes = Array.from({ length: 50 }, (_, i) => crypto.keccak256(Uint8Array.of(i)));
const announced = { types: new Uint8Array(50).fill(2), sizes: new Array(50).fill(200), hashes };

const DEEDS = {
  flood: {
    act(session, { done }) {
      if (done % 2 === 0) session.send({ name: 'NewPooledTransactionHashes', ...announced });
      else {
        const query = { origin: BigInt(done % head), amount: 1n, skip: 0n, reverse: false };
        session.send({ name: 'GetBlockHeaders', requestId: BigInt(done), ...query });
      }
    },
  },
  slow: { act: (session) => session.sendRaw(0, Uint8Array.of(1), 'trial') },
  throwing: { act: (session, { done }) => session.sendRaw(1 + (done % 2), Uint8Array.of(1), 'trial') },
  huge: {
    act(session, { done }) {
      if (done % 2 === 0)
        session.sendFrame(offsetOf(session, 'eth') + 2, HUGE.transactions, { compress: false });
      else session.sendFrame(offsetOf(session, 'trial') + 3, HUGE.trial, { compress: false });
    },
  },
  stalled: {
    act(session, { done }) {
      session.stall();
      const from = 1 + ((done * 64) % Math.max(1, head - 64));
      const query = { origin: BigInt(from), amount: 192n, skip: 0n, reverse: false };
      session.send({ name: 'GetBlockHeaders', requestId: BigInt(done), ...query });
    },
  },
  dribble: {
    act(session, neighbour) {
      if (neighbour.slow.on) return; // it is still at it
      neighbour.slow.on = true;
      session.send({ name: 'NewPooledTransactionHashes', ...announced });
    },
  },
  garbage: {
    alone: true,
    act() {
      const auth = new Uint8Array(402);
      auth.set(world.random.bytes(400), 2);
      auth.set([400 >> 8, 400 & 0xff, 4, ...crypto.publicKey(freshKey())]);
      raw((socket) => socket.write(auth));
    },
  },
  churn: {
    alone: true,
    act(_, neighbour) {
      const peer = new ScriptedPeer({ world, crypto, capabilities: [eth, trial] });
      const whole = async () => {
        try {
          const session = await peer.dial(target);
          if (neighbour.done % 2 === 0) await session.ready;
          neighbour.sessions++;
        } catch {
          // the node is full, or has ended it first
        }
        await peer.close();
      };
      void whole();
    },
  },
  pings: { act: (session) => session.sendFrame(2, Uint8Array.of(0xc0)) },
};

function freshKey() {
  for (;;) {
    const key = world.random.bytes(32);
    if (crypto.isSecretKey(key)) return key;
  }
}

function raw(connected) {
  const socket = connect(target.port, target.host, () => connected(socket));
  socket.on('error', () => undefined);
  socket.resume();
  setTimeout(() => socket.destroy(), 2_000);
}

let neighbours = [];
process.on('message', async ({ ask, sorts, unlimited }) => {
  if (ask === 'begin') {
    neighbours = sorts.map((sort) => new Neighbour(sort, unlimited ? Infinity : SORTS[sort].perSecond));
    for (const neighbour of neighbours) void neighbour.run();
    process.send({ answer: 'begun' });
  } else if (ask === 'stop') {
    const told = neighbours.map(({ sort, done, sessions }) => ({ sort, done: Math.round(done), sessions }));
    await Promise.all(neighbours.map((neighbour) => neighbour.stop()));
    neighbours = [];
    process.send({ answer: told });
  } else process.exit(0);
});
process.on('disconnect', () => process.exit(1));
process.send({ answer: 'ready' });
