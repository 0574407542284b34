import { expect, it } from 'vitest';
import { SimulatedNetwork, seededRandom, simulatedWorld, VirtualClock } from '../../src/testing/index.js';

it('gives users two hosts on one network, moved by one clock', async () => {
  const clock = new VirtualClock();
  const network = new SimulatedNetwork({ clock, seed: 1, link: { latencyMs: 20 } });
  const alice = simulatedWorld({ seed: 1, network, host: '10.0.0.1' });
  const bob = simulatedWorld({ seed: 1, network, host: '10.0.0.2' });
  const heard: number[] = [];
  await bob.tcp.listen({ host: '10.0.0.2', port: 30_303 }, (socket) => {
    socket.attach({
      data: (chunk) => heard.push(...chunk),
      drain: () => undefined,
      end: () => socket.end(),
      closed: () => undefined,
    });
  });
  const socket = await clock.settle(alice.tcp.connect({ host: '10.0.0.2', port: 30_303 }));
  let closed = false;
  socket.attach({
    data: () => undefined,
    drain: () => undefined,
    end: () => undefined,
    closed: () => {
      closed = true;
    },
  });
  const said = seededRandom(5).bytes(100);
  socket.write([said]);
  socket.end();
  await clock.advance(1_000);
  expect(heard).toEqual([...said]);
  expect(closed).toBe(true);
  expect([network.openSockets, clock.pendingTimers]).toEqual([0, 0]);
});
