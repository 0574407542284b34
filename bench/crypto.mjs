// Measures what the cryptographic back ends of a build cost, each that loads here: `node bench/crypto.mjs [--json]
// [--quick] [--only BACK END,…] [--row WORD] [--library dist]`. Back ends take turns, and the best turn counts: what else
// runs on the machine can only make a turn slower. Processor time, not time that passed, for the same reason.
import { cpus } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    row: { type: 'string', default: '' },
    library: { type: 'string', default: join(root, 'dist') },
  },
});
const room = (name) => import(pathToFileURL(join(resolve(options.library), `src/${name}/index.js`)).href);
const { chooseCrypto, CRYPTO_CHOICES, nobleCrypto } = await room('crypto');
const { FrameDecoder, FrameEncoder, Handshake, MAX_FRAME_BYTES } = await room('rlpx');

const turns = options.quick ? 2 : 5;
const turnMs = options.quick ? 40 : 200;

const secret = new Uint8Array(32).fill(7);
const peer = nobleCrypto.publicKey(new Uint8Array(32).fill(9));
const hash = nobleCrypto.keccak256(secret);
const signature = nobleCrypto.sign(hash, secret);
const [block, word, small, message] = [16, 32, 200, 100_000].map((length) => new Uint8Array(length).fill(5));
const key = new Uint8Array(32).fill(3);
const keyPublic = nobleCrypto.publicKey(key);
const iv = new Uint8Array(16);

/** What a row measures: `prepare` gives the function of which one call is timed; of bytes, the rate is what counts. */
const rows = [
  { row: 'ecdh', prepare: (crypto) => () => crypto.ecdh(secret, peer) },
  { row: 'sign', prepare: (crypto) => () => crypto.sign(hash, secret) },
  { row: 'recover', prepare: (crypto) => () => crypto.recover(hash, signature) },
  { row: 'publicKey', prepare: (crypto) => () => crypto.publicKey(secret) },
  { row: 'isPublicKey', prepare: pointsOf },
  { row: 'keccak256 32 B', prepare: (crypto) => () => crypto.keccak256(word) },
  { row: 'keccak256 200 B', prepare: (crypto) => () => crypto.keccak256(small) },
  { row: 'keccakStream 100 kB', bytes: message.length, prepare: streamOf(message) },
  { row: 'stream update 16 B + digest', prepare: macOf },
  { row: 'sha256 200 B', prepare: (crypto) => () => crypto.sha256(small) },
  { row: 'hmacSha256 200 B', prepare: (crypto) => () => crypto.hmacSha256(key, small) },
  { row: 'aesBlock', prepare: blockOf },
  { row: 'aesCtr 16 B', prepare: ctrOf(block) },
  { row: 'aesCtr 200 B', prepare: ctrOf(small) },
  { row: 'aesCtr 100 kB', bytes: message.length, prepare: ctrOf(message) },
  { row: 'frame of 200 B, both ends', prepare: framesOf(small) },
  { row: 'frame of 100 kB, both ends', prepare: framesOf(message) },
  { row: 'handshake, both ends', prepare: (crypto) => () => handshake(crypto) },
  { row: 'equal 16 B', prepare: (crypto) => () => crypto.equal(block, iv) },
];

function streamOf(input) {
  return (crypto) => {
    const stream = crypto.keccakStream();
    return () => stream.update(input);
  };
}

function macOf(crypto) {
  const stream = crypto.keccakStream();
  return () => {
    stream.update(block);
    return stream.digest();
  };
}

/** Two in turn: of the last one, the answer is remembered. */
function pointsOf(crypto) {
  let last = false;
  return () => {
    last = !last;
    return crypto.isPublicKey(last ? peer : keyPublic);
  };
}

function blockOf(crypto) {
  const cipher = crypto.aesBlock(key);
  return () => cipher.encrypt(block);
}

function ctrOf(input) {
  return (crypto) => {
    const cipher = crypto.aesCtr(key, iv);
    return () => cipher.apply(input);
  };
}

/** Randomness is not what is measured: bytes that a counter makes different. */
const random = {
  drawn: 0,
  bytes(length) {
    const bytes = new Uint8Array(length).fill(1);
    new DataView(bytes.buffer).setUint32(0, this.drawn++);
    return bytes;
  },
  unit: () => 0.5,
};

/** A handshake of two ends in memory: auth, ack, secrets of both. */
function handshake(crypto) {
  const peerSecret = key;
  const initiator = new Handshake({
    role: 'initiator',
    crypto,
    random,
    secretKey: secret,
    remotePublicKey: keyPublic,
  });
  const recipient = new Handshake({ role: 'recipient', crypto, random, secretKey: peerSecret });
  const accepted = recipient.push(initiator.start());
  return { initiator: initiator.push(accepted.reply), recipient: accepted };
}

function framesOf(payload) {
  return (crypto) => {
    const ends = handshake(crypto);
    const encoder = new FrameEncoder(crypto, ends.initiator.secrets);
    const decoder = new FrameDecoder(crypto, ends.recipient.secrets, MAX_FRAME_BYTES);
    return () => {
      const pieces = [];
      encoder.encode(16, payload, pieces);
      let frame;
      for (const piece of pieces) {
        decoder.push(piece);
        frame = decoder.next();
      }
      if (frame?.payload.length !== payload.length) throw new Error('the frame did not arrive');
    };
  };
}

/** @returns µs per call in one turn: of the processor's time, that of collecting garbage included */
function turn(call, calls) {
  const start = process.cpuUsage();
  for (let i = 0; i < calls; i++) call();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / calls;
}

/** How many calls fill a turn; finding out also warms them up. */
function callsPerTurn(call) {
  let calls = 1;
  for (;;) {
    const ms = (turn(call, calls) * calls) / 1000;
    if (ms >= turnMs / 2) return Math.max(1, Math.round((calls * turnMs) / ms));
    calls *= 2;
  }
}

const wanted = options.only?.split(',');
const backends = [];
const absent = [];
for (const name of CRYPTO_CHOICES) {
  if (name === 'auto' || (wanted !== undefined && !wanted.includes(name))) continue;
  try {
    backends.push(chooseCrypto(name));
  } catch (error) {
    absent.push({ name, why: error.message });
  }
}

const chosenRows = rows.filter(({ row }) => row.includes(options.row));
const measured = chosenRows.map(({ row, bytes, prepare }) => {
  const sides = backends.map((crypto) => {
    const call = prepare(crypto);
    return { name: crypto.name, call, calls: callsPerTurn(call), best: Number.POSITIVE_INFINITY };
  });
  for (let i = 0; i < turns; i++)
    for (const side of sides) side.best = Math.min(side.best, turn(side.call, side.calls));
  const micros = Object.fromEntries(sides.map((side) => [side.name, side.best]));
  if (bytes === undefined) return { row, unit: 'µs', values: micros };
  const rates = Object.entries(micros).map(([name, us]) => [name, bytes / us]);
  return { row, unit: 'MB/s', values: Object.fromEntries(rates) };
});

if (options.json) {
  const report = {
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: cpus().length,
    backends: backends.map(({ name, parts, lost }) => ({ name, parts, lost })),
    absent,
    rows: measured,
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
} else {
  process.stdout.write(`${table()}\n`);
}

function table() {
  const lines = [['', '', ...backends.map(({ name }) => name)]];
  for (const { row, unit, values } of measured)
    lines.push([row, unit, ...backends.map(({ name }) => readable(values[name]))]);
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const text = lines.map((line) =>
    line.map((cell, at) => (at < 2 ? cell.padEnd(widths[at]) : cell.padStart(widths[at] + 1))).join(' '),
  );
  const parts = backends.map(
    ({ name, parts: of }) =>
      `${name}: curve ${of.curve}, keccak ${of.keccak}, aes ${of.aes}, hmac ${of.hmac}`,
  );
  return [...text, '', ...parts, ...absent.map(({ why }) => why)].join('\n');
}

function readable(value) {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
