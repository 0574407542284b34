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

test('the level decides', () => {
  const { written, destination } = lines();
  const log = createLogger({ destination, level: 'error' });
  log.warn({}, 'w');
  log.error({}, 'e');
  expect(written.map((line) => JSON.parse(line).msg)).toEqual(['e']);
  expect(() => createLogger({ level: 'loud' as never })).toThrow(ConfigError);
});
