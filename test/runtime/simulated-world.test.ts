import { describe, expect, it } from 'vitest';
import {
  SimulatedFiles,
  SimulatedNetwork,
  SimulatedStores,
  simulatedWorld,
  VirtualClock,
} from '../../src/runtime/index.js';
import { Recorder } from '../support/runtime-tcp.js';
import { rejection } from '../support/runtime-worlds.js';

const one = Uint8Array.of(1);
const two = Uint8Array.of(2);

describe('simulated files', () => {
  it('fill up', async () => {
    const files = new SimulatedFiles();
    files.capacityBytes = 10;
    await files.writeWhole('/a', new Uint8Array(6));
    const full = { code: 'ERR_RUNTIME_FILE', detail: 'ENOSPC' };
    expect(await rejection(files.writeWhole('/b', new Uint8Array(5)))).toMatchObject(full);
    // The old file stays while the new one is written: both must fit.
    expect(await rejection(files.writeWhole('/a', new Uint8Array(5)))).toMatchObject(full);
    expect((await files.stat('/a'))?.bytes).toBe(6);
    const writer = await files.openWriter('/c');
    await writer.write(new Uint8Array(4));
    expect(await rejection(writer.write(one))).toMatchObject(full);
    expect(files.usedBytes).toBe(10);
    await files.remove('/a');
    await writer.write(one);
  });

  it('take the beginning of what is added to a file when they fill up', async () => {
    const files = new SimulatedFiles();
    files.capacityBytes = 10;
    await files.append('/a', new Uint8Array(6), 0o600);
    const full = { code: 'ERR_RUNTIME_FILE', detail: 'ENOSPC' };
    expect(await rejection(files.append('/a', new Uint8Array(5)))).toMatchObject(full);
    expect((await files.stat('/a'))?.bytes).toBe(10);
    files.capacityBytes = 11;
    await files.append('/a', one);
    expect((await files.read('/a'))[10]).toBe(1);
  });

  it('refuse when told to, by operation, path and number of times', async () => {
    const files = new SimulatedFiles();
    await files.writeWhole('/key', one, 0o600);
    const mend = files.fail('EACCES', { operation: 'read', path: '/./key' });
    expect(await rejection(files.read('/key'))).toMatchObject({ detail: 'EACCES' });
    await files.writeWhole('/key', two);
    mend();
    expect(await files.read('/key')).toEqual(two);
    files.fail('EIO', { times: 1 });
    expect(await rejection(files.stat('/key'))).toMatchObject({ detail: 'EIO' });
    expect(await files.stat('/key')).toBeDefined();
  });

  it('read a path in whatever form', async () => {
    const files = new SimulatedFiles();
    await files.makeDirectory('/data/../disk//rlpxd/.');
    await files.writeWhole('disk/rlpxd/key', one);
    expect(await files.read('/disk/./x/../rlpxd/key')).toEqual(one);
    expect(files.list()).toEqual(['/', '/disk', '/disk/rlpxd', '/disk/rlpxd/key']);
  });
});

describe('simulated stores', () => {
  it('lose what was not synced when the power fails, and keep what was', async () => {
    const stores = new SimulatedStores();
    const store = await stores.open('/s');
    await store.batch([{ key: one, value: one }]);
    await store.batch([{ key: two, value: one }], { sync: true });
    await store.batch([{ key: two, value: two }]);
    await store.batch([{ key: one }]);
    expect(stores.unsyncedBatches('/s')).toBe(2);
    stores.crash('/s');
    expect(await rejection(store.get(one))).toMatchObject({ detail: 'CLOSED' });
    const after = await stores.open('/s');
    expect(await after.getMany([one, two])).toEqual([one, one]);
    await store.close();
    expect(await after.get(one)).toEqual(one);
  });

  it('may keep the first of the unsynced batches, whole', async () => {
    const stores = new SimulatedStores();
    const store = await stores.open('/s');
    await store.batch([
      { key: one, value: one },
      { key: two, value: two },
    ]);
    await store.batch([{ key: one }]);
    stores.crash('/s', { keep: 1 });
    expect(await (await stores.open('/s')).getMany([one, two])).toEqual([one, two]);
  });

  it('fail to write when told to, and change nothing then', async () => {
    const stores = new SimulatedStores();
    const store = await stores.open('/s');
    stores.failWrites('ENOSPC');
    expect(await rejection(store.batch([{ key: one, value: one }]))).toMatchObject({
      code: 'ERR_RUNTIME_STORE',
      detail: 'ENOSPC',
    });
    expect(await store.get(one)).toBeUndefined();
    stores.failWrites(undefined);
    await store.batch([{ key: one, value: one }]);
    expect(await store.get(one)).toEqual(one);
  });
});

describe('the simulated resolver', () => {
  it('answers what it was told, IPv4 first, after its latency', async () => {
    const { clock, dns } = simulatedWorld({ seed: 1 });
    dns.set('node.example', ['fd00::1', '10.0.0.9']);
    expect(await clock.settle(dns.lookup('node.example'))).toEqual(['10.0.0.9', 'fd00::1']);
    expect(clock.now()).toBe(5);
    expect(await dns.lookup('10.0.0.9')).toEqual(['10.0.0.9']);
    dns.set('node.example', []);
    expect(await rejection(clock.settle(dns.lookup('node.example')))).toMatchObject({
      code: 'ERR_RUNTIME_DNS',
      detail: 'ENOTFOUND',
    });
    dns.fail('node.example', 'EAI_AGAIN');
    expect(await rejection(clock.settle(dns.lookup('node.example')))).toMatchObject({ detail: 'EAI_AGAIN' });
  });

  it('stays silent where told, until the caller gives up', async () => {
    const { clock, dns } = simulatedWorld({ seed: 1 });
    dns.silence('black.hole');
    const controller = new AbortController();
    const looking = dns.lookup('black.hole', { signal: controller.signal });
    clock.timer(10_000, () => controller.abort());
    expect(await rejection(clock.settle(looking))).toMatchObject({ code: 'ERR_RUNTIME_ABORTED' });
    expect(clock.pendingEvents).toBe(0);
    expect(await rejection(dns.lookup('x', { signal: AbortSignal.abort() }))).toMatchObject({
      code: 'ERR_RUNTIME_ABORTED',
    });
  });
});

describe('a simulated world', () => {
  it('is one host among others on a shared network and clock', async () => {
    const network = new SimulatedNetwork({ clock: new VirtualClock(), seed: 1 });
    const alice = simulatedWorld({ seed: 1, network, host: '10.0.0.1' });
    const bob = simulatedWorld({ seed: 1, network, host: '10.0.0.2' });
    expect(alice.clock).toBe(bob.clock);
    expect(alice.random.bytes(8)).not.toEqual(bob.random.bytes(8));
    let from = '';
    await bob.tcp.listen({ host: '0.0.0.0', port: 30_303 }, (socket) => {
      from = new Recorder(socket).socket.remote.host;
    });
    await alice.clock.settle(alice.tcp.connect({ host: '10.0.0.2', port: 30_303 }));
    expect(from).toBe('10.0.0.1');
  });

  it('refuses two clocks', () => {
    const network = new SimulatedNetwork({ clock: new VirtualClock() });
    expect(() => simulatedWorld({ seed: 1, network, clock: new VirtualClock() })).toThrow('another clock');
  });

  it('passes a day of a thousand connections in seconds', async () => {
    const network = new SimulatedNetwork({ clock: new VirtualClock(), seed: 1 });
    const server = simulatedWorld({ seed: 1, network, host: '10.0.0.1' });
    let echoed = 0;
    await server.tcp.listen({ host: '10.0.0.1', port: 1 }, (socket) => {
      socket.attach({
        data: (chunk) => {
          echoed += chunk.length;
          socket.write([chunk.slice()]);
        },
        drain: () => undefined,
        end: () => socket.end(),
        closed: () => undefined,
      });
    });
    const { clock } = network;
    for (let i = 0; i < 1_000; i++) {
      const world = simulatedWorld({ seed: i, network, host: `10.1.${i >> 8}.${i & 255}` });
      const connecting = world.tcp.connect({ host: '10.0.0.1', port: 1 });
      const socket = await clock.settle(connecting);
      socket.attach({
        data: () => undefined,
        drain: () => undefined,
        end: () => undefined,
        closed: () => undefined,
      });
      let hours = 0;
      const talk = (): void => {
        socket.write([one]);
        if (++hours < 24) clock.timer(3_600_000, talk);
        else socket.end();
      };
      talk();
    }
    clock.advanceNow(86_400_000);
    expect(echoed).toBe(24_000);
    expect([network.openSockets, clock.pendingTimers]).toEqual([0, 0]);
  });
});
