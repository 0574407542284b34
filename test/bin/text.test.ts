import { InvalidArgumentError } from 'commander';
import { describe, expect, test } from 'vitest';
import { LiveTable } from '../../bin/devnet/screen.js';
import { tableLines } from '../../bin/devnet/table.js';
import { type LogLine, type NodeView, newView, readLine } from '../../bin/devnet/view.js';
import { EXIT, exitCodeOf, explain, UsageError } from '../../bin/explain.js';
import { duration, wholeNumber } from '../../bin/options.js';
import { bytesText, clipped, countText, timeText } from '../../bin/text.js';
import { RuntimeError } from '../../src/runtime/index.js';

test.each([
  [0, '0 B'],
  [1_023, '1023 B'],
  [1_024, '1.0 KiB'],
  [1_600_000, '1.5 MiB'],
  [2 ** 50, '1024.0 TiB'],
])('%i bytes are %s', (bytes, text) => expect(bytesText(bytes)).toBe(text));

test.each([
  [12, '0.01 s'],
  [9_990, '9.99 s'],
  [59_900, '59.9 s'],
  [125_000, '2 min 5 s'],
])('%i ms are %s', (ms, text) => expect(timeText(ms)).toBe(text));

test.each([
  [10, 9],
  [2, 1],
  [200, 100],
  [0, 79], // what some pseudo terminals say of themselves
  [undefined, 79],
])('a terminal of %s columns shows %i', (columns, shown) => {
  expect(clipped('x'.repeat(100), columns)).toHaveLength(shown);
});

test('a table that is drawn again leaves nothing of the old one, however small the terminal', () => {
  const written: string[] = [];
  const out = { columns: 12, rows: 4, write: (text: string) => written.push(text) > 0 };
  const table = new LiveTable(out);
  const views = Array.from({ length: 8 }, (_, i) => newView(`node-${i + 1}`));
  table.show(views);
  table.show(views);
  const lines = (written[0] ?? '').split('\n').filter((line) => line !== '');
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line.length).toBeLessThan(12);
  expect(written[1]?.startsWith('\u001b[3A\u001b[J')).toBe(true);
});

test('one block, two blocks', () => {
  expect([countText(1, 'block'), countText(2n, 'block'), countText(0, 'entry', 'entries')]).toEqual([
    '1 block',
    '2 blocks',
    '0 entries',
  ]);
});

test.each([
  ['10s', 10_000],
  ['500ms', 500],
  ['1.5m', 90_000],
  ['3', 3_000],
  ['1h', 3_600_000],
])('%s is %i ms', (text, ms) => expect(duration(text)).toBe(ms));

test.each(['', 's', '-1s', '1d', '1e3', '1 s'])('%j is no time', (text) => {
  expect(() => duration(text)).toThrow(InvalidArgumentError);
});

test.each(['', '-1', '1.5', '0x10', '9', '70000', 'many'])('%j is no number from 10 to 60000', (text) => {
  expect(() => wholeNumber(10, 60_000)(text)).toThrow(InvalidArgumentError);
});

describe('errors in one line', () => {
  test('a system word is explained, once', () => {
    const error = new RuntimeError('ERR_RUNTIME_STORE', 'cannot write the store d: ENOSPC', {
      detail: 'ENOSPC',
    });
    expect(explain(error)).toBe('cannot write the store d: ENOSPC (the disk is full)');
    expect(exitCodeOf(error)).toBe(EXIT.failure);
  });

  test.each([
    [
      `cannot read /nope: ENOENT: no such file or directory, open '/nope'`,
      'cannot read /nope: no such file or folder (ENOENT)',
    ],
    [
      `cannot create k: EEXIST: file already exists, link '.k.tmp' -> 'k'`,
      'cannot create k: it exists already (EEXIST)',
    ],
    [
      `cannot read /: EISDIR: illegal operation on a directory, read`,
      'cannot read /: it is a folder (EISDIR)',
    ],
    [
      'connect: cannot connect to 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1',
      'connect: cannot connect to 127.0.0.1:1: nobody listens there (ECONNREFUSED)',
    ],
    [
      'a: connect ECONNREFUSED 127.0.0.1:1; b: connect EHOSTUNREACH 10.0.0.1:2',
      'a: nobody listens there (ECONNREFUSED); b: no route to it (EHOSTUNREACH)',
    ],
    [
      'cannot listen on [::1]:5: listen EADDRINUSE: address already in use ::1:5',
      'cannot listen on [::1]:5: the port is in use by another program (EADDRINUSE)',
    ],
    ['cannot write d: EIO: i/o error, write (stored: up to block 5)', undefined],
    ['peer said ENOUGH', undefined],
  ])('the phrase of the system gives way: %s', (text, plain = text) => {
    expect(explain(new Error(text))).toBe(plain);
  });

  test('a field of the library is named as the option that sets it', () => {
    const error = Object.assign(new Error('netRestrict: no network given'), { field: 'netRestrict' });
    expect(explain(error)).toBe('--netrestrict: no network given');
    const other = Object.assign(new Error('genesis file x: no config'), { field: 'genesis' });
    expect(explain(other)).toBe('genesis file x: no config');
  });

  test('line breaks go, whatever was thrown is shown', () => {
    expect(explain(new Error('one\n  two\n'))).toBe('one two');
    expect(explain('text')).toBe('text');
    expect(explain(undefined)).toBe('undefined');
    expect(exitCodeOf('text')).toBe(EXIT.failure);
  });

  test('asked wrongly is 2', () => {
    expect(exitCodeOf(new UsageError('which?'))).toBe(EXIT.usage);
    expect(exitCodeOf(Object.assign(new Error('x'), { code: 'ERR_CONFIG_VALUE' }))).toBe(EXIT.usage);
    expect(exitCodeOf(Object.assign(new Error('x'), { code: 'ERR_CONFIG_KEY_MODE' }))).toBe(EXIT.failure);
  });
});

describe('a node of the devnet, read from its log', () => {
  const viewAfter = (lines: readonly LogLine[], goal?: number): NodeView =>
    lines.reduce<NodeView>((view, line) => readLine(view, line, goal), newView('node-1'));
  const listening = { event: 'listening', enode: 'enode://x', head: 0, hash: '0x00' };

  test.each<[NodeView['state'], LogLine[]]>([
    ['starting', [{ event: 'pull.failed' }]],
    ['alone', [listening]],
    ['connected', [listening, { event: 'session.active', session: 's1', eth: 72 }]],
    [
      'alone',
      [
        listening,
        { event: 'session.active', session: 's1', eth: 72 },
        { event: 'session.ended', session: 's1' },
      ],
    ],
    ['pulling', [listening, { event: 'pull.progress', head: 5 }]],
    ['whole', [listening, { event: 'pull.done', head: 10, hash: '0x01' }]],
    ['stopping', [listening, { event: 'closing' }, { event: 'status', head: 10 }]],
  ])('%s', (state, lines) => {
    expect(viewAfter(lines, 10).state).toBe(state);
  });

  test('is a row of the table', () => {
    const view = viewAfter(
      [
        listening,
        { event: 'session.active', session: 's1', eth: 72 },
        { event: 'session.active', session: 's2', eth: 70 },
        { event: 'status', head: 7, hash: '0x07', bytesIn: 2_048, bytesOut: 1 },
      ],
      10,
    );
    expect(tableLines([view, newView('node-2')])).toEqual([
      'node    peers  eth    height       in  out  state',
      'node-1      2  70,72       7  2.0 KiB  1 B  pulling',
      'node-2      0  -           0      0 B  0 B  starting',
    ]);
  });
});
