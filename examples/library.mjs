// Holds a session with a peer and asks it for a block header.
// Usage: node examples/library.mjs enode://… demo/genesis.json
import { log } from 'node:console';
import { readFile } from 'node:fs/promises';
import { createNode, decodeHeader } from 'rlpxd';

const [enode, genesis] = process.argv.slice(2);
const node = await createNode({ chain: await readFile(genesis, 'utf8') });
const session = await node.dial(enode).active;
log(`${session.remote.client} speaks eth/${session.eth.version}`);
const query = { origin: 1n, amount: 1, skip: 0n, reverse: false };
const [header] = (await session.eth.getBlockHeaders(query)).map(decodeHeader);
log(header === undefined ? 'it has no block 1' : `block ${header.number} used ${header.gasUsed} gas`);
await node.close();
