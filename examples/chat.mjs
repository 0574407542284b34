// Two nodes that chat in a protocol of their own, beside eth. What you type is said to all who are there.
// Usage: node examples/chat.mjs demo/genesis.json [enode://… of the other]
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createNode, defineProtocol } from 'rlpxd';

const [genesis = 'demo/genesis.json', other] = process.argv.slice(2);
const channels = new Set();
const chat = defineProtocol({
  name: 'chat',
  version: 1,
  length: 1,
  messages: {
    say: {
      id: 0,
      maxBytes: 1_024,
      encode: (words) => new TextEncoder().encode(words),
      decode: (bytes) => new TextDecoder('utf-8', { fatal: true }).decode(bytes),
    },
  },
  onSession(session, channel) {
    console.log('%j is here', session.remote.client);
    channels.add(channel);
    return {
      on: { say: (words) => console.log('%j', words) },
      closed: () => channels.delete(channel),
    };
  },
});

const listen = { host: '127.0.0.1', port: 0 };
const node = await createNode({ chain: await readFile(genesis, 'utf8'), listen, protocols: [chat] });
console.log(node.enode);
if (other !== undefined) node.addPeer(other);
for await (const words of createInterface({ input: process.stdin })) {
  for (const channel of channels) channel.send('say', words);
}
await node.close();
