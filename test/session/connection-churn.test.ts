import { expect, test } from 'vitest';
import { StaticPolicy } from '../../src/peers/index.js';
import type { SessionEvents } from '../../src/session/index.js';
import { SessionManager } from '../../src/session/index.js';
import { SimulatedNetwork, simulatedWorld, VirtualClock } from '../../src/testing/index.js';
import { crypto, PORT, SECOND, TellingStatus } from '../support/rows-town.js';

test('C1: 50,000 connects within a minute from a hundred addresses: two sessions each, and the honest one hears nothing of it', async () => {
  const clock = new VirtualClock();
  const network = new SimulatedNetwork({ clock, seed: 1, link: { latencyMs: 1 } });
  const world = (host: string) => simulatedWorld({ seed: 1, network, host });
  const manager = (host: string, key: number): SessionManager =>
    new SessionManager({
      ...{ world: world(host), crypto, clientId: 'node', status: new TellingStatus() },
      ...{ secretKey: new Uint8Array(32).fill(key), policy: new StaticPolicy({ clock }) },
    });
  const node = manager('10.0.0.1', 1);
  const honest = manager('10.0.0.2', 2);
  let created = 0;
  let most = 0;
  const refused: SessionEvents['refused'][] = [];
  node.on('created', () => created++);
  node.on('refused', (event) => refused.push(event));
  await clock.settle(node.listen({ host: '0.0.0.0', port: PORT }));
  const { publicKey } = node;
  const session = await clock.settle(honest.dial({ host: '10.0.0.1', port: PORT, publicKey }).active);
  const hosts = Array.from({ length: 100 }, (_, i) => world(`203.0.${i}.7`).tcp);
  const nothing = (): void => undefined;
  for (let round = 0; round < 500; round++) {
    for (const tcp of hosts) {
      void tcp.connect({ host: '10.0.0.1', port: PORT }).then((socket) => {
        socket.attach({ data: nothing, drain: nothing, end: nothing, closed: nothing });
        socket.write([Uint8Array.of(1)]);
        socket.end();
      });
    }
    await clock.advance(120);
    most = Math.max(most, node.list().length);
    if (round % 50 === 0) expect(await clock.settle(session.ping())).toBeLessThan(20);
  }
  await clock.advance(6 * SECOND);
  expect(created).toBe(201);
  expect(refused).toHaveLength(50_000 - 200);
  expect(refused.every(({ says }) => /has to wait|maxPendingInbound/.test(says))).toBe(true);
  expect(most).toBeLessThanOrEqual(51);
  expect(node.list().map(({ id }) => id)).toEqual(['s1']);
  expect(session.state).toBe('active');
  expect(network.describeOpenSockets()).toHaveLength(2);
  await clock.settle(Promise.all([node.close(), honest.close()]));
});
