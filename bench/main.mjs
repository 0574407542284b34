// Sets rlpxd beside geth and beside the earlier TypeScript stack, in the same run on the same machine:
// `npm run bench [-- --quick] [--json] [--row WORD] [--rounds N] [--library dist]`. Its parts are programs of their own and
// run by themselves, too: wire.mjs, serving.mjs, broadcast.mjs, idle.mjs, isolation.mjs. A whole run leaves `bench/results.json`, from which
// `node bench/picture.mjs > docs/bench.svg` draws.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    row: { type: 'string', default: '' },
    rounds: { type: 'string' },
    library: { type: 'string', default: join(dirname(here), 'dist') },
  },
});

/** What each part can measure, by the words that `--row` looks for. */
const parts = [
  {
    program: 'wire.mjs',
    rows: [
      '100 kB random',
      '100 kB zeros',
      '200 B random',
      'round trip of 200 B',
      'handshakes, one at a time',
      'handshakes, 16 at once',
      '100 kB random, noble alone',
    ],
    flags: ['--row', options.row],
    quick: ['--quick'],
  },
  {
    program: 'serving.mjs',
    rows: ['headers served', 'bodies served', 'receipts served', 'one header asked', 'blocks pulled'],
    flags: ['--row', options.row],
    quick: ['--quick'],
  },
  { program: 'broadcast.mjs', rows: ['broadcast to 100 sessions'], quick: ['--rounds', '1', '--turns', '4'] },
  {
    program: 'idle.mjs',
    rows: ['idle sessions'], // quick: as many pings a second as 10,000 idle ones
    node: ['--expose-gc'],
    quick: ['--counts', '2000', '--seconds', '6', '--ping-ms', '3000'],
  },
  {
    program: 'isolation.mjs',
    rows: ['a request p99 beside hostile neighbours, to its quiet p99'],
    quick: ['--quick', '--rounds', '3'],
  },
];

const wanted = parts.filter(({ rows }) => rows.some((row) => row.includes(options.row)));
if (wanted.length === 0) {
  const rows = parts.flatMap((part) => part.rows).join('; ');
  process.stderr.write(`bench: no row is called "${options.row}"; there are: ${rows}\n`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'rlpxd-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** Runs a part, which prints as it goes. @returns its rows */
async function run({ program, node = [], flags = [], quick = [] }) {
  const out = join(folder, `${program}.json`);
  const rounds = options.rounds === undefined || program === 'idle.mjs' ? [] : ['--rounds', options.rounds];
  const args = [...flags, ...(options.quick ? quick : []), ...rounds];
  const child = spawn(
    process.execPath,
    [...node, join(here, program), ...args, '--library', options.library, '--out', out],
    { stdio: ['ignore', options.json ? 'ignore' : 'inherit', 'inherit'] },
  );
  const [code] = await once(child, 'exit');
  if (code !== 0) {
    process.stderr.write(`bench: ${program} has failed\n`);
    process.exitCode = 1;
    return { rows: [], missing: [] };
  }
  return JSON.parse(readFileSync(out, 'utf8'));
}

const rows = [];
const missing = new Set();
for (const part of wanted) {
  const { rows: more, missing: lacking = [] } = await run(part);
  rows.push(...more);
  for (const line of lacking) missing.add(line);
}
const report = {
  node: process.version,
  cpu: cpus()[0]?.model ?? 'unknown',
  cpus: cpus().length,
  quick: options.quick,
  missing: [...missing],
  rows,
};
if (options.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
else for (const line of missing) process.stdout.write(`missing – ${line}\n`);
if (options.row === '') writeFileSync(join(here, 'results.json'), `${JSON.stringify(report, null, 2)}\n`);
