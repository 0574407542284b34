import { expect, test } from 'vitest';
import { startDaemon } from './support/daemon.js';
import { gethPeer, startGeth } from './support/geth.js';
import { demoChain } from './support/places.js';

test('sessions with geth, dialed and accepted, outlive a minute in which nothing happens', async () => {
  const dialed = await startGeth({ chain: demoChain });
  const dialing = await startGeth({ chain: demoChain });
  const daemon = await startDaemon({ genesis: demoChain.genesis, peers: [dialed.enode] });
  await dialing.call('admin_addPeer', daemon.enode);
  const seen = [await gethPeer(dialed, daemon.id), await gethPeer(dialing, daemon.id)];

  // Twice the limit after which either side gives up on a silent peer: only pings can have kept it.
  await new Promise((resolve) => setTimeout(resolve, 61_000));

  for (const [i, geth] of [dialed, dialing].entries()) {
    expect(await gethPeer(geth, daemon.id)).toEqual(seen[i]); // the same connection
    expect(geth.process.lines.filter((line) => line.event === 'peer.drop')).toEqual([]);
  }
  expect(daemon.process.lines.filter((line) => line.event === 'session.ended')).toEqual([]);
}, 120_000);
