// Holds a session with a peer and asks it for a block header.
// Usage: node examples/library.mjs enode://… demo/genesis.json
import { readFile } from 'node:fs/promises';
import { createNode, decodeHeader } from 'rlpxd';

const [enode, genesis] = process.argv.slice(2);
const node = await createNode({ chain: await readFile(genesis, 'utf8') });
const session = await node.dial(enode).active;
console.log(`${session.remote.client} speaks eth/${session.eth.version}`);
const query = { origin: 0n, amount: 1, skip: 0n, reverse: false };
const [header] = (await session.eth.getBlockHeaders(query)).map(decodeHeader);
console.log(`the chain began with ${header.gasLimit} gas per block`);
await node.close();
