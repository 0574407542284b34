// What it costs to tell 100 sessions the same: `node bench/broadcast.mjs [--sessions 100] [--rounds N] [--turns 12] [--out FILE] [--library dist]`. Told once
// to all (`manager.broadcast`), and to each by itself (`session.eth.send`); processor time of the telling process, until the
// other one has heard all.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { crowd } from './crowd.mjs';

const { values: options } = parseArgs({
  options: {
    sessions: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '3' },
    turns: { type: 'string', default: '12' },
    out: { type: 'string' },
    library: { type: 'string' },
  },
});
const sessions = Number(options.sessions);
const rounds = Number(options.rounds);
/** Broadcasts between two questions whether they have been heard: less than a lane holds. */
const AT_ONCE = 8;
const turns = Number(options.turns);

const { library } = options;
const { node, grow, heard } = await crowd({ most: sessions, ...(library === undefined ? {} : { library }) });
await grow(sessions);

let made = 0;
/** Bytes that do not compress and were never said before. */
function fresh(size) {
  const bytes = new Uint8Array(size);
  let state = ++made * 0x9e3779b1;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** A transaction to the wire: bytes behind a type. */
function transaction(size) {
  const bytes = fresh(size);
  const head = Uint8Array.of(0xb9, (size - 3) >> 8, (size - 3) & 0xff, 2);
  bytes.set(head);
  return bytes;
}

const kinds = [
  {
    row: 'an announcement of 100 transactions',
    make: () => ({
      name: 'NewPooledTransactionHashes',
      types: new Uint8Array(100).fill(2),
      sizes: Array.from({ length: 100 }, () => 200),
      hashes: Array.from({ length: 100 }, () => fresh(32)),
    }),
  },
  {
    row: '25 transactions of 4 kB',
    make: () => ({
      name: 'Transactions',
      transactions: Array.from({ length: 25 }, () => transaction(4_000)),
    }),
  },
];
const ways = {
  'to all at once': (message) => node.broadcast(message),
  'to each by itself': (message) => {
    for (const session of node.active()) session.eth.send(message);
  },
};

async function wholeRound(make, tell) {
  const messages = Array.from({ length: AT_ONCE * turns }, make);
  let before = await heard();
  const cpu = process.cpuUsage();
  while (messages.length > 0) {
    for (const message of messages.splice(0, AT_ONCE)) tell(message);
    before += AT_ONCE * sessions;
    while ((await heard()) < before) await new Promise((over) => setTimeout(over, 1));
  }
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / (AT_ONCE * turns);
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const rows = [];
for (const { row, make } of kinds) {
  const values = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
  for (let i = 0; i <= rounds; i++) {
    for (const [way, tell] of Object.entries(ways)) {
      const us = await wholeRound(make, tell);
      if (i > 0) values[way].push(us); // the first one warms up
    }
  }
  const spread = Object.fromEntries(
    Object.entries(values).map(([way, list]) => [way, [Math.min(...list), Math.max(...list)]]),
  );
  rows.push({
    spread,
    row: `broadcast to ${sessions} sessions: ${row}`,
    ratios: {},
    cpuUs: Object.fromEntries(Object.entries(values).map(([way, list]) => [way, median(list)])),
  });
  process.stdout.write(`broadcast to ${sessions} sessions: ${row}\n`);
  for (const [way, us] of Object.entries(rows.at(-1).cpuUs))
    process.stdout.write(
      `  ${way.padEnd(18)}${us.toFixed(0).padStart(8)} µs CPU, ${(us / sessions).toFixed(1)} a session${between(spread[way])}\n`,
    );
}
/** The least and the most of the rounds, where there are some. */
function between([least, most]) {
  return least === most ? '' : ` (${(least / sessions).toFixed(1)} to ${(most / sessions).toFixed(1)})`;
}

if (options.out !== undefined) writeFileSync(options.out, JSON.stringify({ rows }));
process.exit(0);
