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
  const queue = new HandshakeQueue(clock, () => true, max);
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

/** As a job, in so many pieces. */
function long(
  name: string,
  pieces: number,
  { queue, ran, dropped }: ReturnType<typeof busyQueue>,
  from = '10.0.0.7',
): HandshakeJob {
  let left = pieces;
  const one: HandshakeJob = {
    ...job(name, from, { ran, dropped }),
    run() {
      ran.push(`${name}${pieces - left}`);
      if (--left > 0) queue.goOn(one);
    },
  };
  return one;
}

/** How the queue is told of a job that may begin at once. */
function begin(one: HandshakeJob, { queue }: ReturnType<typeof busyQueue>): void {
  expect(queue.enter(one)).toBe('now');
  one.run();
}

test('H7: what has begun is ended before another begins, a piece in each turn of the loop', async () => {
  const log = busyQueue();
  await log.clock.advance(0);
  begin(long('a', 3, log), log);
  expect(log.queue.enter(job('ours', '10.0.0.1', log, true))).toBe('later');
  expect(log.queue.enter(long('b', 2, log))).toBe('later');
  const other = (): void => {
    log.ran.push('-');
    if (log.ran.length < 20) log.clock.soon(other);
  };
  log.clock.soon(other);
  await log.clock.advance(0);
  expect(log.ran.filter((name) => name !== '-')).toEqual(['a0', 'a1', 'a2', 'ours', 'b0', 'b1']);
  for (let i = 1; i < log.ran.length; i++) expect([log.ran[i - 1], log.ran[i]], `${log.ran}`).toContain('-');
});

test('nothing begins at once while another has begun, and its place goes on where it leaves', async () => {
  for (const turns of [0, 1]) {
    const log = busyQueue();
    await log.clock.advance(0);
    const gone = long('gone', 3, log);
    begin(gone, log);
    expect(log.queue.enter(job('waits', '10.0.0.1', log))).toBe('later');
    for (let turn = 0; turn < turns; turn++) log.clock.soon(() => log.queue.leave(gone));
    if (turns === 0) log.queue.leave(gone);
    await log.clock.advance(0);
    expect(log.ran.at(-1)).toBe('waits');
    expect(log.ran).not.toContain('gone2');
    expect(log.queue.waiting).toBe(0);
    expect(log.queue.enter(job('next', '10.0.0.1', log))).toBe('now');
  }
});

test('what has begun and throws is thrown in the loop, and the others have their turns', async () => {
  const log = busyQueue();
  await log.clock.advance(0);
  const bad: HandshakeJob = {
    ...job('bad', '10.0.0.1', log),
    run() {
      log.queue.goOn({
        ...bad,
        run: () => {
          throw new Error('on purpose');
        },
      });
    },
  };
  begin(bad, log);
  log.queue.enter(job('waits', '10.0.0.2', log));
  await expect(log.clock.advance(0)).rejects.toThrow('on purpose');
  await log.clock.advance(0);
  expect(log.ran).toEqual(['waits']);
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
