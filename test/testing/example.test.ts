import { expect, test } from 'vitest';
import { createNode, formatEnode } from '../../src/index.js';
import { ScriptedPeer, SimulatedNetwork, simulatedWorld, VirtualClock } from '../../src/testing/index.js';

test('a peer that is slow to answer costs a timeout, not the session', async () => {
  const clock = new VirtualClock();
  const network = new SimulatedNetwork({ clock, seed: 1, link: { latencyMs: 20 } });
  const world = (host: string) => simulatedWorld({ seed: 1, network, host });

  // the peer: it says our own Status back, answers Pings, and leaves the rest to us
  const peer = new ScriptedPeer({ world: world('10.0.0.2'), ethVersions: [69] });
  const { host, port } = await clock.settle(peer.listen({ host: '10.0.0.2', port: 30303 }));
  const enode = formatEnode({ publicKey: peer.publicKey, host, port, discoveryPort: port });

  // what is tested: here a node, in your tests whatever you have built on one
  const node = await clock.settle(createNode({ chain: 'sepolia', world: world('10.0.0.1') }));
  const session = await clock.settle(node.dial(enode).active);
  const script = await peer.accepted();

  // the request arrives, and nobody answers it: 20 s pass in no time
  const query = { origin: 1n, amount: 1n, skip: 0n, reverse: false };
  const asked = session.eth.getBlockHeaders(query);
  const { requestId } = await clock.settle(script.expect('GetBlockHeaders'));
  await expect(clock.settle(asked)).rejects.toMatchObject({ code: 'ERR_SESSION_TIMEOUT' });

  // the answer comes after all, and the next one in time
  script.send({ name: 'BlockHeaders', requestId, headers: [] });
  script.respond('GetBlockHeaders', () => ({ name: 'BlockHeaders', requestId: 0n, headers: [] }));
  expect(await clock.settle(session.eth.getBlockHeaders(query))).toEqual([]);
  expect(session.state).toBe('active');

  // something that no node would do: an id that nobody agreed on
  script.sendFrame(4_000, new Uint8Array(10));
  expect(await clock.settle(script.ended)).toMatchObject({ by: 'remote', reason: 2 });
  expect((await session.ended).code).toBe('ERR_RLPX_MESSAGE_ID');
  await clock.settle(node.close());
});
