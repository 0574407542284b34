import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HandshakeJob } from '../../src/rlpx/index.js';
import { VirtualClock } from '../../src/runtime/index.js';
import { HandshakeQueue } from '../../src/session/handshake-queue.js';

const ALL = 1_000;

/** A queue of which the first turn is used up, so that all that enters has to wait. */
function busyQueue(max?: number): {
  clock: VirtualClock;
  queue: HandshakeQueue;
  ran: string[];
  dropped: string[];
} {
  const clock = new VirtualClock();
  const queue = new HandshakeQueue(clock, max);
  const ran: string[] = [];
  const dropped: string[] = [];
  expect(queue.enter(job('first', 'first', { ran, dropped }))).toBe('now');
  return { clock, queue, ran, dropped };
}

function job(
  name: string,
  from: string,
  { ran, dropped }: { ran: string[]; dropped: string[] },
  ours = false,
): HandshakeJob {
  return { from, ours, run: () => void ran.push(name), dropped: () => void dropped.push(name) };
}

test('the first of a turn is done at once, and so is the first of the next', async () => {
  const { clock, queue, ran } = busyQueue();
  await clock.advance(0);
  expect(queue.enter(job('second', '10.0.0.1', { ran, dropped: [] }))).toBe('now');
  expect(queue.waiting).toBe(0);
});

test('one is done in each turn of the loop, and others are served between any two', async () => {
  const { clock, queue, ran, dropped } = busyQueue();
  const seen: string[] = [];
  for (const name of ['a', 'b', 'c']) queue.enter(job(name, '10.0.0.1', { ran: seen, dropped }));
  const other = (): void => {
    seen.push('session');
    if (seen.length < 12) clock.soon(other);
  };
  clock.soon(other);
  await clock.advance(0);
  const handshakes = seen.filter((name) => name !== 'session');
  expect(handshakes).toEqual(['a', 'b', 'c']);
  for (const [before, after] of [
    ['a', 'b'],
    ['b', 'c'],
  ] as const)
    expect(seen.slice(seen.indexOf(before), seen.indexOf(after))).toContain('session');
  expect(ran).toEqual([]);
});

test('addresses take turns, each in its own order; what we dialled goes before them', async () => {
  const log = busyQueue();
  const { clock, queue, ran } = log;
  for (const name of ['a1', 'a2', 'a3']) queue.enter(job(name, '10.0.0.1', log));
  queue.enter(job('b1', '10.0.0.2', log));
  queue.enter(job('c1', '10.0.0.3', log));
  queue.enter(job('b2', '10.0.0.2', log));
  queue.enter(job('ours', '10.0.0.9', log, true));
  expect(queue.waiting).toBe(7);
  await clock.advance(0);
  expect(ran).toEqual(['ours', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  expect(queue.waiting).toBe(0);
});

test.each([
  ['2001:db8:1:2::1', '2001:db8:1:2:3:4:5:6', true],
  ['2001:db8::1', '2001:db8:0:0:ffff::', true],
  ['::1', '::2', true],
  ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
  ['fe80::1%eth0', 'fe80::2%eth0', true],
])('%s and %s share one turn: %s', async (first, second, shared) => {
  const log = busyQueue();
  queue(log, ['x1', first], ['x2', first], ['y1', second]);
  await log.clock.advance(0);
  expect(log.ran).toEqual(shared ? ['x1', 'x2', 'y1'] : ['x1', 'y1', 'x2']);
});

function queue(log: ReturnType<typeof busyQueue>, ...jobs: (readonly [string, string])[]): void {
  for (const [name, from] of jobs) log.queue.enter(job(name, from, log));
}

test('H7: a flood from one address neither grows the queue nor delays another by more than a turn', async () => {
  const log = busyQueue(8);
  const places = Array.from({ length: 100 }, (_, i) => log.queue.enter(job(`flood ${i}`, '10.6.6.6', log)));
  expect(places.filter((place) => place === 'later')).toHaveLength(8);
  expect(log.queue.waiting).toBe(8);
  expect(log.queue.enter(job('honest', '10.0.0.1', log))).toBe('later');
  expect(log.dropped).toEqual(['flood 7']);
  expect(log.queue.waiting).toBe(8);
  expect(log.queue.dropped).toBe(93);
  await log.clock.advance(0);
  expect(log.ran.slice(0, 2)).toEqual(['flood 0', 'honest']);
});

test('H7: our own dial finds room in a full queue, and its turn is the next', async () => {
  const log = busyQueue(4);
  for (let i = 0; i < 50; i++) log.queue.enter(job(`flood ${i}`, `10.6.6.${i}`, log));
  expect(log.queue.enter(job('ours', '10.0.0.1', log, true))).toBe('later');
  await log.clock.advance(0);
  expect(log.ran[0]).toBe('ours');
});

test('who leaves is not run, and leaves no turn behind that grows the queue', async () => {
  const log = busyQueue();
  const stay = job('stays', '10.0.0.1', log);
  for (let i = 0; i < ALL; i++) {
    const gone = job(`gone ${i}`, '10.6.6.6', log);
    log.queue.enter(gone);
    log.queue.leave(gone);
    log.queue.leave(gone);
  }
  log.queue.enter(stay);
  expect(log.queue.waiting).toBe(1);
  await log.clock.advance(0);
  expect(log.ran).toEqual(['stays']);
});

test('whatever enters and leaves, all that stay are run once, in the order of their address', async () => {
  const steps = fc.array(
    fc.record({ from: fc.integer({ min: 1, max: 5 }), ours: fc.boolean(), leaves: fc.nat(9) }),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 20 }), async (jobs, max) => {
      const log = busyQueue(max);
      const expected = new Set<string>();
      for (const [i, { from, ours, leaves }] of jobs.entries()) {
        const name = `${ours ? 'own' : from}-${String(i).padStart(3, '0')}`;
        const one = job(name, `10.0.0.${from}`, log, ours);
        const place = log.queue.enter(one);
        if (place === 'later') expected.add(name);
        if (leaves === 0 && place === 'later' && !log.dropped.includes(name)) {
          log.queue.leave(one);
          expected.delete(name);
        }
        expect(log.queue.waiting).toBeLessThanOrEqual(max);
      }
      for (const name of log.dropped) expected.delete(name);
      await log.clock.advance(0);
      expect([...log.ran].sort()).toEqual([...expected].sort());
      for (const group of ['own', '1', '2', '3', '4', '5']) {
        const own = log.ran.filter((name) => name.startsWith(`${group}-`));
        expect(own).toEqual([...own].sort());
      }
      expect(log.queue.waiting).toBe(0);
    }),
  );
});
