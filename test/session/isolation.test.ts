import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EthMessage } from '../../src/eth/index.js';
import type { SatelliteProtocol, SessionEventName, SessionManagerOptions } from '../../src/session/index.js';
import { NOTHING_LEFT, type Node, statusProvider, Village } from '../support/session-nodes.js';
import { hash, range, recordingLogger, statusOf } from '../support/session-values.js';

/** Things that code can throw; the last one cannot even be made a string of. */
const thrown: readonly unknown[] = [new Error('on purpose'), undefined, Object.create(null)];

/** What a user of the manager hands in, with the mistakes that it makes once `armed`. */
type Fault = (armed: () => boolean, fail: () => never) => Partial<SessionManagerOptions>;

const announced: EthMessage = {
  name: 'NewPooledTransactionHashes',
  types: Uint8Array.of(2),
  sizes: [100],
  hashes: [hash(5)],
  mask: new Uint8Array(16),
};

const quiet = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const accept = { accept: true, kind: 'dynamic' } as const;

/** Wrong on purpose: what a caller without types could hand in. */
const wrong = <T>(value: unknown): T => value as T;

const faults: Readonly<Record<string, Fault>> = {
  'a policy that throws': (armed, fail) => ({ policy: { admit: () => (armed() ? fail() : accept) } }),
  'a policy that answers nothing': (armed) => ({
    policy: { admit: () => (armed() ? wrong(undefined) : accept) },
  }),
  'a policy that answers later': (armed) => ({
    policy: { admit: () => (armed() ? wrong(Promise.resolve(accept)) : accept) },
  }),
  'a policy that refuses with a reason that is none': (armed) => ({
    policy: {
      admit: ({ stage }) =>
        armed() && stage !== 'accept' ? { accept: false, reason: 999, says: 'no' } : accept,
    },
  }),
  'a policy that fails when it is told': (armed, fail) => ({
    policy: {
      admit: () => accept,
      established: () => (armed() ? fail() : undefined),
      ended: () => (armed() ? fail() : undefined),
    },
  }),
  'a policy that fails later when it is told': (armed, fail) => ({
    policy: {
      admit: () => accept,
      established: async () => (armed() ? fail() : undefined),
      ended: async () => (armed() ? fail() : undefined),
    },
  }),
  'a Status that cannot be told': (armed, fail) => ({
    status: { ...statusProvider(), status: (version) => (armed() ? fail() : statusOf(version)) },
  }),
  'a Status that cannot be written': (armed) => ({
    status: {
      ...statusProvider(),
      status: (version) => ({ ...statusOf(version), ...(armed() ? { genesisHash: new Uint8Array(3) } : {}) }),
    },
  }),
  'a Status that cannot be judged': (armed, fail) => ({
    status: { ...statusProvider(), check: () => (armed() ? fail() : undefined) },
  }),
  'a handler that throws': (armed, fail) => ({
    serve: (): Promise<undefined> => (armed() ? fail() : Promise.resolve(undefined)),
  }),
  'a handler that rejects': (armed, fail) => ({ serve: async () => (armed() ? fail() : undefined) }),
  'a handler that answers nonsense': (armed) => ({
    serve: async () => (armed() ? wrong({ name: 'Cells', cells: 7 }) : undefined),
  }),
  'a gossip handler that throws': (armed, fail) => ({ gossip: () => (armed() ? fail() : undefined) }),
  'a gossip handler that rejects': (armed, fail) => ({
    gossip: async () => (armed() ? fail() : undefined),
  }),
  'a protocol beside eth that cannot be opened': (armed, fail) => ({
    capabilities: [{ ...beside, onSession: () => (armed() ? fail() : { message: () => undefined }) }],
  }),
  'a protocol beside eth whose handler throws': (armed, fail) => {
    const throws = (): void => (armed() ? fail() : undefined);
    return {
      capabilities: [{ ...beside, onSession: () => ({ message: throws, room: throws, closed: throws }) }],
    };
  },
  'a protocol beside eth whose handler rejects': (armed, fail) => {
    const rejects = async (): Promise<void> => (armed() ? fail() : undefined);
    return {
      capabilities: [{ ...beside, onSession: () => ({ message: rejects, room: rejects, closed: rejects }) }],
    };
  },
  'a journal that cannot be written': (armed, fail) => ({
    journal: { write: () => (armed() ? fail() : undefined) },
    templates: { basic: { extends: 'basic', settings: { messageLogging: 'headers' } } },
  }),
  'a journal that cannot be written later': (armed, fail) => ({
    journal: { write: async () => (armed() ? fail() : undefined) },
    templates: { basic: { extends: 'basic', settings: { messageLogging: 'headers' } } },
  }),
  'a journal that does not know whom it wants': (armed, fail) => ({
    journal: { write: () => undefined, wants: () => (armed() ? fail() : true) },
    templates: { basic: { extends: 'basic', settings: { messageLogging: 'headers' } } },
  }),
  'a journal that does not know its room': (armed, fail) => ({
    journal: { write: () => undefined, hasRoom: () => (armed() ? fail() : true) },
    templates: { basic: { extends: 'basic', settings: { messageLogging: 'headers' } } },
  }),
  'a cleaner that throws': (armed, fail) => ({ cleaner: () => (armed() ? fail() : undefined) }),
  'a logger that throws': (armed, fail) => {
    const log = (): void => (armed() ? fail() : undefined);
    return {
      logger: { debug: log, info: log, warn: log, error: log },
      serve: async () => (armed() ? fail() : undefined),
      gossip: () => (armed() ? fail() : undefined),
      policy: { admit: () => accept, ended: () => (armed() ? fail() : undefined) },
    };
  },
};

/** What the stranger speaks beside eth, and says as soon as it can. */
const beside = { name: 'beside', version: 1, length: 2 } as const;
const talker: SatelliteProtocol = {
  ...beside,
  onSession(_session, channel) {
    channel.send(0, Uint8Array.of(0xc0));
    return { message: () => undefined };
  },
};

const rejections: unknown[] = [];
const onRejection = (reason: unknown): void => {
  rejections.push(reason);
};
beforeEach(() => {
  rejections.length = 0;
  process.on('unhandledRejection', onRejection);
});
afterEach(() => {
  process.off('unhandledRejection', onRejection);
});

/** An honest session with `a`, then a stranger that comes twice while `a`'s own code fails in all that it is asked. */
async function survive(
  fault: Fault,
  value: unknown,
  listen?: (a: Node, fail: () => never) => void,
): Promise<void> {
  let armed = false;
  const fail = (): never => {
    throw value;
  };
  const village = new Village(7);
  const a = await village.node({ logger: quiet, ...fault(() => armed, fail) });
  const honest = await village.node();
  const stranger = await village.node({ capabilities: [talker] });
  listen?.(a, () => (armed ? fail() : (undefined as never)));
  const session = await village.clock.settle(village.dial(honest, a).active);
  armed = true;
  const ends: Promise<unknown>[] = [];
  for (let visit = 0; visit < 2; visit++) {
    const handle = village.dial(stranger, a);
    ends.push(handle.ended);
    handle.active
      .then((visitor) => {
        visitor.eth.getBlockBodies([hash(1)]).catch(() => undefined);
        visitor.eth.send(announced);
        visitor.eth.send({ name: 'BlockRangeUpdate', ...range(0n, 700n + BigInt(visit)) });
      })
      .catch(() => undefined); // refused, or ended before it could say anything
    await village.clock.advance(3_000);
    handle.disconnect();
    await village.clock.advance(3_000);
  }
  armed = false;
  expect(await village.clock.settle(session.ping())).toBeGreaterThanOrEqual(0);
  expect(session.state).toBe('active');
  await village.clock.settle(Promise.all(ends));
  expect(a.manager.list()).toHaveLength(1);
  expect(a.manager.count()).toEqual({
    pendingInbound: 0,
    pendingOutbound: 0,
    activeInbound: 1,
    activeOutbound: 0,
  });
  const again = await village.clock.settle(village.dial(stranger, a).active);
  expect(again.state).toBe('active');
  expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  await new Promise((resolve) => setImmediate(resolve));
  expect(rejections).toEqual([]);
}

describe("a mistake in the user's own code hurts one session at most", () => {
  for (const [name, fault] of Object.entries(faults)) {
    test.each(thrown.map((value, i) => [i, value]))(`${name} (value %i)`, async (_i, value) => {
      await survive(fault, value);
    });
  }

  const events: readonly SessionEventName[] = [
    'created',
    'activated',
    'range',
    'expired',
    'closed',
    'refused',
  ];
  test.each(events)('a listener of %s that throws, or rejects', async (event) => {
    for (const value of thrown) {
      await survive(
        () => ({}),
        value,
        (a, fail) => {
          a.manager.on(event, () => fail());
          a.manager.on(event, async () => fail());
        },
      );
    }
  });
});

describe('what a caller does wrong is told to the caller and changes nothing', () => {
  test.each([-1, 256, 1.5, Number.NaN])('a disconnect with reason %s', async (reason) => {
    const village = new Village(8);
    const a = await village.node();
    const b = await village.node();
    const session = await village.clock.settle(village.dial(a, b).active);
    expect(() => session.disconnect(reason)).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_ARGUMENT' }),
    );
    expect(session.state).toBe('active');
    expect(() => a.manager.close({ reason })).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_ARGUMENT' }),
    );
    session.disconnect();
    expect(await village.clock.settle(session.ended)).toMatchObject({ outcome: 'closed', reasonSent: 0 });
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });
});

describe('a range of ours that cannot be said', () => {
  test('is logged and not said, also where a timer was to say it', async () => {
    const provider = statusProvider();
    const village = new Village(9);
    const logger = recordingLogger();
    const a = await village.node({ status: provider, logger });
    const b = await village.node();
    const session = await village.clock.settle(village.dial(b, a).active);
    provider.choices = { range: { earliest: 0n, latest: 601n, latestHash: new Uint8Array(31) } };
    a.manager.announceRange();
    await village.clock.advance(400_000);
    expect(session.state).toBe('active');
    expect(b.told.filter((line) => line.startsWith('range'))).toEqual([]);
    expect(logger.lines.map(({ message }) => message)).toEqual(['our range cannot be said']);
    expect(await village.leftovers()).toEqual(NOTHING_LEFT);
  });
});
