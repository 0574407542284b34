// Prints what peers say of transactions: each one that is spoken of, and each that is found good.
// Usage: node examples/monitor.mjs genesis.json|mainnet|sepolia|hoodi enode://… [enode://…]
import { readFile } from 'node:fs/promises';
import { createNode, prefixedHex } from 'rlpxd';

const [chain, ...peers] = process.argv.slice(2);
if (chain === undefined) {
  console.error('Which chain? See the first lines of this file.');
  process.exit(2);
}
const node = await createNode({
  chain: chain.endsWith('.json') ? await readFile(chain, 'utf8') : chain,
  peers,
  transactions: 'observe',
});

node.on('transaction', ({ transaction: { hash, sender, nonce, gasTipCap } }) => {
  console.log(`good  ${prefixedHex(hash)} from ${prefixedHex(sender)}, nonce ${nonce}, tip ${gasTipCap}`);
});

const { transactions } = node.feeds;
let at = transactions.end;
transactions.onItem(() => {
  const { items, next, lost } = transactions.read(at, 1_000);
  at = next;
  if (lost > 0) console.log(`${lost} more`);
  for (const { fact, peers: count } of items)
    console.log(`seen  ${prefixedHex(fact.hash)} of type ${fact.type}, ${fact.bytes} bytes, from ${count}`);
});

process.once('SIGINT', () => node.close());
