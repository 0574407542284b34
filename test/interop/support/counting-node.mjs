// A node that serves the chain of a datadir and prints how many bodies it has served: `node counting-node.mjs DATADIR [hold]`.
// With `hold` it keeps bodies back until something comes on stdin.
// Made of the library, before a backend that counts.
import { once } from 'node:events';
import { createNode } from '../../../dist/src/index.js';

const [datadir, hold] = process.argv.slice(2);
const released = hold === 'hold' ? once(process.stdin, 'data') : undefined;
const { store } = await createNode({ datadir });
let bodies = 0;
const read = async (hash, options) => {
  await released;
  const body = await store.body(hash, options);
  if (body !== undefined) process.stdout.write(`${JSON.stringify({ event: 'body', bodies: ++bodies })}\n`);
  return body;
};
const backend = {
  chain: store.chain,
  range: () => store.range(),
  headerByNumber: (number, options) => store.headerByNumber(number, options),
  headerByHash: (hash, options) => store.headerByHash(hash, options),
  numberOf: (hash, options) => store.numberOf(hash, options),
  hashOf: (number, options) => store.hashOf(number, options),
  body: read,
  receipts: (hash, options) => store.receipts(hash, options),
  accessList: (hash, options) => store.accessList(hash, options),
  subscribe: (listener) => store.subscribe(listener),
};
const node = await createNode({
  backend,
  listen: { host: '127.0.0.1', port: 0 },
  netRestrict: ['127.0.0.0/8'],
});
process.stdout.write(`${JSON.stringify({ event: 'listening', enode: node.enode })}\n`);
setInterval(() => undefined, 60_000);
