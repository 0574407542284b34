import { describe, expect, test } from 'vitest';
import type { EthMessage } from '../../src/eth/index.js';
import {
  BoundedBuffer,
  type BufferMode,
  type BufferPolicy,
  type JournalEntry,
  type Session,
  verifyJournal,
} from '../../src/session/index.js';
import { crypto, hash, item, SECOND, Town } from '../support/rows-town.js';

const keccak = (...parts: readonly Uint8Array[]): Uint8Array => crypto.keccak256(...parts);

describe('000.4: buffers', () => {
  const resize = { resizeTo: { maxItems: 3, maxBytes: 100 } };
  /** What becomes of a third value where two fit, and what is held then. */
  const pairs: readonly [BufferMode, BufferPolicy, string, string][] = [
    ['fifo', 'block', 'full', 'a1 b1'],
    ['fifo', 'drop', 'taken', 'b1 c1'],
    ['fifo', 'error', 'error', 'a1 b1'],
    ['fifo', resize, 'taken', 'a1 b1 c1'],
    ['latest', 'block', 'full', 'a2 b1'],
    ['latest', 'drop', 'taken', 'b1 c1'],
    ['latest', 'error', 'error', 'a2 b1'],
    ['latest', resize, 'taken', 'a2 b1 c1'],
  ];

  test.each(pairs)('000.4: %s with %o', (mode, policy, outcome, held) => {
    const buffer = new BoundedBuffer<string>({
      direction: 'out',
      mode,
      policy,
      bounds: { maxItems: 2, maxBytes: 100 },
      bytesOf: (text) => text.length,
      keyOf: (text) => text.charAt(0),
    });
    buffer.push('a1');
    buffer.push('b1');
    if (mode === 'latest') expect(buffer.push('a2')).toBe('replaced');
    expect(buffer.push('c1')).toBe(outcome);
    expect([...buffer].join(' ')).toBe(held);
    expect(buffer.gauge).toMatchObject({
      items: held.split(' ').length,
      bytes: held.replaceAll(' ', '').length,
    });
    const turns: string[] = [];
    buffer.onRoom(() => turns.push('room'));
    expect(turns).toEqual([]);
    buffer.shift();
    expect(turns).toEqual(['room']);
  });
});

describe('000.5: history', () => {
  test('000.5: each direction is a chain that both ends can compare, and any change of it is found', async () => {
    const written = new Map<string, JournalEntry[]>();
    const town = new Town();
    const { a, ab, ba } = await town.pair({
      templates: { basic: { settings: { messageLogging: 'whole' } } },
      journal: {
        write: (session, entries) => {
          const key = session.direction;
          written.set(key, [...(written.get(key) ?? []), ...entries]);
        },
      },
    });
    await town.clock.settle(ab.eth.getBlockBodies([hash(1)]));
    await town.clock.settle(ba.eth.getBlockHeaders({ origin: 1n, amount: 2, skip: 0n, reverse: false }));
    expect(ab.describe().journal).toMatchObject({ missed: 0 });
    await town.clock.settle(a.manager.close());
    await town.clock.advance(SECOND);
    const ours = written.get('outbound') ?? [];
    const theirs = written.get('inbound') ?? [];
    const hashes = (entries: readonly JournalEntry[], chain: string): string[] =>
      entries.flatMap((entry) => (entry.kind === 'message' && entry.chain === chain ? [entry.hash] : []));
    expect(hashes(ours, 'out')).toHaveLength(3);
    expect(hashes(ours, 'out')).toEqual(hashes(theirs, 'in'));
    expect(hashes(ours, 'in')).toEqual(hashes(theirs, 'out'));
    expect(verifyJournal(ours, keccak)).toMatchObject({ intact: true, complete: true });
    for (let at = 0; at < ours.length; at++) {
      const entry = ours[at] as JournalEntry;
      expect(verifyJournal(ours.with(at, { ...entry, atMs: 0 }), keccak)).toMatchObject({
        intact: false,
        at,
      });
      const dropped = verifyJournal(ours.toSpliced(at, 1), keccak);
      expect(dropped.intact && dropped.complete).toBe(false);
    }
  });
});

describe('000.6: epochs', () => {
  test('000.6: an end clears what waited, advances the epoch and is told; the old handle is refused', async () => {
    const town = new Town();
    const { a, b, ab } = await town.pair();
    const heard: string[] = [];
    a.manager.on('closed', ({ cause }) => heard.push(`closed ${cause.epoch}`));
    a.manager.on('epochAdvanced', ({ epoch }) => heard.push(`epoch ${epoch}`));
    expect(ab.describe().epoch).toBe(0);
    ab.disconnect();
    expect(heard).toEqual(['closed 1', 'epoch 1']);
    expect(a.manager.epoch).toBe(1);
    await town.clock.advance(100);
    const young = await town.clock.settle(town.dial(a, b).active);
    expect(young.describe().epoch).toBe(1);
    await expect(ab.ping()).rejects.toMatchObject({
      code: 'ERR_SESSION_NOT_ACTIVE',
      closeCause: { epoch: 1 },
    });
    await expect(ab.eth.getBlockBodies([hash(1)])).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_ACTIVE' });
    expect(() => ab.pause()).toThrow(/not active/);
    ab.disconnect(3);
    expect(young.state).toBe('active');
    expect(ab.describe().queues).toMatchObject({ requestsOpen: 0, responses: { items: 0, bytes: 0 } });
  });

  test('000.6: only whoever has the handle, or the manager, ends a session', async () => {
    const town = new Town();
    const { a, b, ab, ba } = await town.pair();
    const third = await town.node();
    expect(third.manager.list()).toEqual([]);
    expect(() => third.manager.get(ab.id)).toThrowError(
      expect.objectContaining({ code: 'ERR_SESSION_NOT_FOUND' }),
    );
    expect(a.manager.get(ab.id).id).toBe(ab.id);
    await town.clock.settle(b.manager.close());
    await town.clock.advance(100);
    expect([ab.state, ba.state]).toEqual(['closed', 'closed']);
  });
});

describe('000.7: draining', () => {
  const ask = (requestId: bigint): EthMessage => ({ name: 'GetBlockBodies', requestId, hashes: [hash(1)] });

  async function asked(): Promise<{ town: Town; ours: Session; answer: () => void; done: Promise<unknown> }> {
    const town = new Town();
    let answer: () => void = () => undefined;
    const node = await town.node({
      serve: (request) =>
        new Promise((resolve) => {
          answer = () => resolve({ name: 'BlockBodies', requestId: request.requestId, bodies: [item(10)] });
        }),
    });
    const { session, ours } = await town.guest(node);
    session.send(ask(1n));
    const done = session.expect('BlockBodies');
    done.catch(() => undefined);
    await town.clock.advance(50);
    return { town, ours, answer, done };
  }

  test('000.7: what has begun is finished before the session ends, and the report says so', async () => {
    const { town, ours, answer, done } = await asked();
    const closing = ours.close({ drain: true });
    expect(ours.state).toBe('draining');
    await town.clock.advance(3 * SECOND);
    expect(ours.state).toBe('draining');
    answer();
    expect(await town.clock.settle(closing)).toMatchObject({
      outcome: 'flushed',
      answered: { ours: 0, theirs: 1 },
      abandoned: { ours: 0, theirs: 0, messages: 0 },
      cause: { outcome: 'closed', stage: 'draining', reasonSent: 0 },
    });
    expect(await town.clock.settle(done)).toMatchObject({ bodies: [item(10)] });
  });

  test('000.7: at its deadline, or when the caller calls it off, the rest is abandoned and counted', async () => {
    const first = await asked();
    const report = await first.town.clock.settle(first.ours.close());
    expect(report).toMatchObject({ outcome: 'deadline', tookMs: 10 * SECOND, abandoned: { theirs: 1 } });
    const second = await asked();
    const controller = new AbortController();
    const closing = second.ours.close({ signal: controller.signal });
    controller.abort();
    expect(await closing).toMatchObject({ outcome: 'aborted', tookMs: 0, abandoned: { theirs: 1 } });
  });
});
