import { expect, test } from 'vitest';
import { Listeners } from '../../src/runtime/index.js';

test('tells all in their order; one that throws keeps nobody from hearing, and one that has gone hears nothing', () => {
  const failed: unknown[] = [];
  const heard: string[] = [];
  const listeners = new Listeners<number>((error) => failed.push(error));
  const mistake = new Error('a mistake of the user');
  listeners.add((event) => heard.push(`a${event}`));
  const withdraw = listeners.add(() => {
    throw mistake;
  });
  listeners.add((event) => heard.push(`b${event}`));
  listeners.tell(1);
  withdraw();
  withdraw();
  listeners.tell(2);
  expect(heard).toEqual(['a1', 'b1', 'a2', 'b2']);
  expect(failed).toEqual([mistake]);
  listeners.clear();
  expect(listeners.size).toBe(0);
  listeners.tell(3);
  expect(heard).toHaveLength(4);
});

test('whoever comes or goes while it is told changes nothing of that telling', () => {
  const heard: string[] = [];
  const listeners = new Listeners<string>(() => undefined);
  let withdraw = (): void => undefined;
  listeners.add((event) => {
    heard.push(`first ${event}`);
    withdraw();
    listeners.add((later) => heard.push(`late ${later}`));
  });
  withdraw = listeners.add((event) => heard.push(`second ${event}`));
  listeners.tell('x');
  expect(heard).toEqual(['first x', 'second x']);
});
