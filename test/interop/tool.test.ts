import { expect, test } from 'vitest';
import { command, startDaemon } from './support/daemon.js';
import { built, demoChain } from './support/places.js';

test('geth’s own devp2p tool reads our Hello', async () => {
  const daemon = await startDaemon({ genesis: demoChain.genesis });
  const done = await command(built('devp2p'), ['rlpx', 'ping', daemon.enode]);
  expect(done.stderr).toBe('');
  expect(done.code).toBe(0);
  expect(done.stdout).toMatch(/Version:5 Name:rlpxd\/v/);
  for (const version of [69, 70, 71, 72]) expect(done.stdout).toContain(`eth/${version}`);
});
