import { describe, expect, test } from 'vitest';
import { Outbox } from '../../src/rlpx/outbox.js';

const TURN_BYTES = 262_144;

/** An outbox, a socket that takes everything, and turns of the loop made by hand. */
function setUp() {
  const writes: number[] = [];
  const said: string[] = [];
  let turn: (() => void)[] = [];
  const socket = {
    pendingBytes: 0,
    sentBytes: 0,
    write(chunks: readonly Uint8Array[]) {
      writes.push(chunks.reduce((bytes, { length }) => bytes + length, 0));
      return true;
    },
  };
  const clock = {
    now: () => 0,
    soon: (run: () => void) => void turn.push(run),
    timer: () => ({ cancel() {} }),
  };
  let flushing = (): void => undefined;
  const outbox = new Outbox(socket as never, clock as never, 20_000, {
    flushing: () => flushing(),
    drained: () => void said.push('drained'),
    stalled: () => void said.push('stalled'),
  });
  return {
    outbox,
    writes,
    said,
    say(bytes: number) {
      outbox.gathering.copy(new Uint8Array(bytes));
      outbox.added(bytes);
    },
    onFlush(call: () => void) {
      flushing = call;
    },
    /** How many tasks the turn had. */
    endTurn() {
      const tasks = turn;
      turn = [];
      for (const run of tasks) run();
      return tasks.length;
    },
  };
}

describe('an outbox', () => {
  test('lets what is said in a turn leave at its end, in one write', () => {
    const { endTurn, say, writes } = setUp();
    say(1);
    say(2);
    expect(writes).toEqual([]);
    expect(endTurn()).toBe(1);
    expect(writes).toEqual([3]);
    expect(endTurn()).toBe(0);
  });

  test('lets what answers a chunk leave when that has been read, in one write and without a turn', () => {
    const { endTurn, outbox, say, writes } = setUp();
    outbox.beginAnswers();
    say(1);
    say(2);
    expect(writes).toEqual([]);
    outbox.endAnswers();
    expect(writes).toEqual([3]);
    expect(endTurn()).toBe(0);
    outbox.beginAnswers();
    outbox.endAnswers();
    expect(writes).toEqual([3]);
    say(4);
    expect(endTurn()).toBe(1);
    expect(writes).toEqual([3, 4]);
  });

  test('lets an answer leave with what waits for the end of the turn', () => {
    const { endTurn, outbox, say, writes } = setUp();
    say(1);
    outbox.beginAnswers();
    say(2);
    outbox.endAnswers();
    expect(writes).toEqual([]);
    expect(endTurn()).toBe(1);
    expect(writes).toEqual([3]);
  });

  test('tells who waits for room at the end of a turn, never while a chunk is read', () => {
    const { endTurn, outbox, said, say, writes } = setUp();
    outbox.beginAnswers();
    say(TURN_BYTES + 1);
    expect(outbox.askRoom()).toBe(false);
    outbox.endAnswers();
    expect([writes, said]).toEqual([[], []]);
    expect(endTurn()).toBe(1);
    expect([writes, said]).toEqual([[TURN_BYTES + 1], ['drained']]);
  });

  test('takes a last word as bytes leave without a turn more', () => {
    const { endTurn, onFlush, outbox, say, writes } = setUp();
    onFlush(() => say(1));
    outbox.plan();
    expect(endTurn()).toBe(1);
    outbox.beginAnswers();
    outbox.plan();
    outbox.endAnswers();
    expect(writes).toEqual([1, 1]);
    expect(endTurn()).toBe(0);
  });

  test('drops what was not flushed when it closes, also while a chunk is read', () => {
    const { endTurn, outbox, said, say, writes } = setUp();
    say(1);
    outbox.close();
    endTurn();
    outbox.beginAnswers();
    say(2);
    outbox.close();
    outbox.endAnswers();
    endTurn();
    expect([writes, said]).toEqual([[], []]);
  });
});
