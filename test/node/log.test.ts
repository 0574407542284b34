import { expect, test } from 'vitest';
import { ConfigError, createLogger } from '../../src/node/index.js';

function lines(): { written: string[]; destination: { write(line: string): void } } {
  const written: string[] = [];
  return { written, destination: { write: (line) => void written.push(line) } };
}

test('JSON lines: level, time, fields, message; nothing of the machine', () => {
  const { written, destination } = lines();
  const log = createLogger({ destination });
  log.info({ event: 'x', hash: Uint8Array.of(1), head: 7n }, 'it happened');
  log.debug({ event: 'y' }, 'not asked for');
  expect(written).toHaveLength(1);
  const line = JSON.parse(written[0] ?? '');
  expect(line).toEqual({
    level: 30,
    time: expect.any(String),
    event: 'x',
    hash: '0x01',
    head: 7,
    msg: 'it happened',
  });
  expect(new Date(line.time).getTime()).not.toBeNaN();
});

test('lines for people: time, level, sentence; the data only where one looks closer', () => {
  for (const level of ['info', 'debug'] as const) {
    const { written, destination } = lines();
    const log = createLogger({ destination, format: 'pretty', level });
    log.info({ event: 'x', head: 7n }, 'it happened');
    log.warn({}, 'and more');
    const [first = '', second = '', ...rest] = written.join('').split('\n');
    expect(first).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: it happened/);
    expect(first.includes('"head":7')).toBe(level === 'debug');
    expect(second).toContain('WARN: and more');
    expect(rest).toEqual(['']);
  }
});

test('the level decides', () => {
  const { written, destination } = lines();
  const log = createLogger({ destination, level: 'error' });
  log.warn({}, 'w');
  log.error({}, 'e');
  expect(written.map((line) => JSON.parse(line).msg)).toEqual(['e']);
  expect(() => createLogger({ level: 'loud' as never })).toThrow(ConfigError);
});
