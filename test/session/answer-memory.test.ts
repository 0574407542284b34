import { describe, expect, test } from 'vitest';
import { AnswerMemory } from '../../src/session/answer-memory.js';

const MiB = 1024 * 1024;

describe('memory for answers', () => {
  test('is the same for one after the other, and grows with them', () => {
    const memory = new AnswerMemory();
    const first = memory.lend(100);
    memory.takeBack();
    const second = memory.lend(9_000);
    expect([first.length, second.length]).toEqual([100, 9_000]);
    expect(second.buffer).toBe(first.buffer);
    memory.takeBack();
    const third = memory.lend(2 * MiB);
    expect(third).toHaveLength(2 * MiB);
    memory.takeBack();
    expect(memory.lend(1).buffer).toBe(third.buffer);
  });

  test('is lent to one at a time, and to none that is larger than answers are', () => {
    const memory = new AnswerMemory();
    const first = memory.lend(100);
    expect(memory.lend(100).buffer).not.toBe(first.buffer);
    memory.takeBack();
    const large = memory.lend(3 * MiB);
    expect(large).toHaveLength(3 * MiB);
    expect(memory.lend(100).buffer).toBe(first.buffer);
  });
});
