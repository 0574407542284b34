// Measures the snappy codec by what passes through it: `node bench/snappy.mjs [--json] [--quick] [--row WORD] [--library
// dist] [--against FILE]…` after a build. Beside what rlpxd uses stands its portable codec alone, and each FILE: another
// module with snappyCompress, snappyCompressInto and snappyDecompress. All take turns, and the best turn counts, in
// processor time: other work on the machine hardly changes it.
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    row: { type: 'string', default: '' },
    library: { type: 'string', default: join(root, 'dist') },
    against: { type: 'string', multiple: true, default: [] },
  },
});
const load = (file) => import(pathToFileURL(resolve(file)).href);
const codec = await load(join(options.library, 'src/codec/index.js'));
const { seededRandom } = await load(join(options.library, 'src/runtime/index.js'));

const turns = options.quick ? 4 : 12;
const turnMs = options.quick ? 30 : 80;

/** Headers and bodies of the demonstration chain, each as it stands in an answer. */
function chainParts() {
  const file = readFileSync(join(root, 'demo', 'chain.rlp'));
  const headers = [];
  const bodies = [];
  for (let at = 0; at < file.length; ) {
    const block = item(file, at);
    const header = item(file, block.start);
    headers.push(file.subarray(block.start, header.end));
    bodies.push(file.subarray(header.end, block.end));
    at = block.end;
  }
  return { headers, bodies };
}

/** Where the content of the list at `at` begins and ends. */
function item(bytes, at) {
  const head = bytes[at];
  if (head < 0xf8) return { start: at + 1, end: at + 1 + head - 0xc0 };
  const start = at + 1 + head - 0xf7;
  return { start, end: start + bytes.readUIntBE(at + 1, head - 0xf7) };
}

function upTo(bytes, parts) {
  const joined = Buffer.concat(parts);
  const long = Buffer.concat(Array(Math.ceil(bytes / joined.length)).fill(joined));
  return Uint8Array.from(long.subarray(0, bytes));
}

function text(bytes) {
  const words = 'the of block header peer answer asks number when which is a to every state chain hash'.split(
    ' ',
  );
  const choices = seededRandom('text').bytes(bytes);
  const all = Array.from(choices, (choice) => words[choice % words.length]).join(' ');
  return new TextEncoder().encode(all).slice(0, bytes);
}

const { headers, bodies } = chainParts();
const noise = (bytes) => seededRandom('noise').bytes(bytes);
const rows = [
  ['200 B random', noise(200)],
  ['a header of the chain', Uint8Array.from(headers[300])],
  ['115 kB of headers', upTo(115_000, headers)],
  ['100 kB of bodies', upTo(100_000, bodies.slice(100))],
  ['100 kB random', noise(100_000)],
  ['100 kB zeros', new Uint8Array(100_000)],
  ['100 kB of text', text(100_000)],
].filter(([row]) => row.includes(options.row));

const { portableElements } = await load(join(options.library, 'src/codec/snappy-portable.js'));
const portable = {
  snappyCompress: (bytes) => codec.snappyCompress(bytes, portableElements),
  snappyCompressInto: (bytes, out, start) => codec.snappyCompressInto(bytes, out, start, portableElements),
  snappyDecompress: (block, maxBytes) => codec.snappyDecompress(block, maxBytes, portableElements),
};
const codecs = [
  ['rlpxd', codec],
  ['portable', portable],
];
for (const file of options.against) codecs.push([file, await load(file)]);

/** Processor time of this process, microseconds. */
function spent() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** @returns MB/s of one turn */
function turn(work, bytes) {
  const batch = Math.max(1, Math.ceil(20_000 / bytes));
  let done = 0;
  const started = spent();
  let used = 0;
  while (used < turnMs * 1_000) {
    for (let i = 0; i < batch; i++) work();
    done += batch;
    used = spent() - started;
  }
  return (done * bytes) / used;
}

const results = [];
for (const [row, content] of rows) {
  const room = new Uint8Array(codec.snappyMostBytes(content.length));
  const runs = codecs.flatMap(([name, { snappyCompress, snappyCompressInto, snappyDecompress }]) => {
    const block = snappyCompress(content);
    const undone = snappyDecompress(block, content.length);
    if (Buffer.compare(undone, content) !== 0) throw new Error(`${name}: ${row}`);
    const common = { row, codec: name, ratio: Number((block.length / content.length).toFixed(4)), best: 0 };
    return [
      { ...common, what: 'compress', work: () => snappyCompressInto(content, room, 0) },
      { ...common, what: 'decompress', work: () => snappyDecompress(block, content.length) },
    ];
  });
  for (const { work } of runs) turn(work, content.length);
  for (let round = 0; round < turns; round++) {
    for (const run of runs) run.best = Math.max(run.best, turn(run.work, content.length));
  }
  for (const { work: _, best, ...run } of runs) {
    const megabytesPerSecond = Math.round(best);
    const nanoseconds = Math.round((content.length * 1_000) / best);
    results.push({ ...run, megabytesPerSecond, nanoseconds });
    if (options.json) continue;
    const cells = [row.padEnd(22), run.what.padEnd(10), String(megabytesPerSecond).padStart(6), 'MB/s'];
    cells.push(String(nanoseconds).padStart(7), 'ns', `1 to ${run.ratio}`.padEnd(11), run.codec);
    process.stdout.write(`${cells.join(' ')}\n`);
  }
}
if (options.json) process.stdout.write(`${JSON.stringify(results)}\n`);
