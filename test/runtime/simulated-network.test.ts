import { describe, expect, it } from 'vitest';
import {
  SimulatedNetwork,
  type SimulatedNetworkOptions,
  type TcpSocket,
  VirtualClock,
  WRITE_HIGH_WATER_BYTES,
} from '../../src/runtime/index.js';
import { Recorder } from '../support/runtime-tcp.js';
import { rejection } from '../support/runtime-worlds.js';

const A = '10.0.0.1';
const B = '10.0.0.2';
const AT_B = { host: B, port: 30_303 };

interface Scene {
  readonly clock: VirtualClock;
  readonly network: SimulatedNetwork;
  readonly client: Recorder;
  readonly server: Recorder;
}

async function scene(options: Omit<SimulatedNetworkOptions, 'clock'> = {}): Promise<Scene> {
  const clock = new VirtualClock();
  const network = new SimulatedNetwork({ clock, ...options });
  let server: Recorder | undefined;
  await network.host(B).listen({ host: '0.0.0.0', port: AT_B.port }, (socket) => {
    server = new Recorder(socket);
  });
  const client = new Recorder(await clock.settle(network.host(A).connect(AT_B)));
  if (server === undefined) throw new Error('nobody accepted');
  return { clock, network, client, server };
}

describe('a simulated network', () => {
  it('takes the latency of the link each way', async () => {
    const { clock, network, client, server } = await scene({ link: { latencyMs: 25 } });
    expect(clock.now()).toBe(50);
    client.socket.write([Uint8Array.of(1)]);
    await clock.advance(24);
    expect(server.receivedBytes).toBe(0);
    await clock.advance(1);
    expect(server.receivedBytes).toBe(1);
    network.link(A, B, { latencyMs: 100 });
    server.socket.write([Uint8Array.of(1)]);
    await clock.advance(99);
    expect(client.receivedBytes).toBe(0);
    await clock.advance(1);
    expect(client.receivedBytes).toBe(1);
  });

  it('keeps order under jitter and carries no faster than the link', async () => {
    const { clock, client, server } = await scene({
      seed: 3,
      link: { latencyMs: 5, jitterMs: 50, bytesPerSecond: 100_000 },
    });
    const bytes = Uint8Array.from({ length: 50_000 }, (_, i) => i & 0xff);
    const startedAtMs = clock.now();
    client.socket.write([bytes]);
    await clock.settle(server.until(() => server.receivedBytes === bytes.length));
    expect(server.received).toEqual(bytes);
    expect(clock.now() - startedAtMs).toBeGreaterThanOrEqual(500);
    expect(clock.now() - startedAtMs).toBeLessThan(600);
  });

  it('cuts what is written at places drawn from the seed: same seed, same trace', async () => {
    const run = async (seed: number): Promise<{ trace: string[]; chunks: number[] }> => {
      const trace: string[] = [];
      const { clock, client, server } = await scene({
        seed,
        link: { latencyMs: 2, jitterMs: 3 },
        observe: (line) => trace.push(line),
      });
      client.socket.write([new Uint8Array(100_000)]);
      server.socket.write([new Uint8Array(30_000)]);
      await clock.advance(500);
      client.socket.end();
      await clock.advance(500);
      server.socket.destroy();
      await clock.runUntilIdle();
      return { trace, chunks: server.chunks };
    };
    const one = await run(1);
    expect(one.trace.length).toBeGreaterThan(20);
    expect(one.trace[0]).toMatch(/^[\d.]+ 10\.0\.0\.1>10\.0\.0\.2 connect 30303$/);
    expect(await run(1)).toEqual(one);
    expect((await run(2)).trace).not.toEqual(one.trace);
    expect(one.chunks.some((bytes) => bytes <= 64)).toBe(true);
    expect(one.chunks.some((bytes) => bytes > 1_024)).toBe(true);
  });

  it('delivers whole windows where pieces are switched off', async () => {
    const { clock, client, server } = await scene({ pieces: 'whole', maxPieceBytes: 65_536 });
    client.socket.write([new Uint8Array(10_000), new Uint8Array(20_000)]);
    await clock.advance(10);
    expect(server.chunks).toEqual([30_000]);
  });

  it('spoils a chunk once its time is over, so that nobody keeps a view', async () => {
    for (const poison of [true, false]) {
      const { clock, client, server } = await scene({ poison });
      let kept: Uint8Array | undefined;
      const told = server.data.bind(server);
      server.data = (chunk) => {
        kept = chunk;
        told(chunk);
      };
      client.socket.write([Uint8Array.of(7)]);
      await clock.advance(10);
      expect(server.received).toEqual(Uint8Array.of(7));
      expect(kept).toEqual(Uint8Array.of(poison ? 0xdd : 7));
    }
  });

  it('takes no more than its window while nobody reads', async () => {
    const { clock, client, server } = await scene({ windowBytes: 1_000 });
    server.socket.pause();
    expect(client.socket.write([new Uint8Array(WRITE_HIGH_WATER_BYTES)])).toBe(true);
    expect(client.socket.write([new Uint8Array(1)])).toBe(false);
    await clock.advance(1_000);
    expect(client.socket.sentBytes).toBe(1_000);
    expect(client.socket.pendingBytes).toBe(WRITE_HIGH_WATER_BYTES + 1 - 1_000);
    server.socket.resume();
    await clock.runUntilIdle();
    expect(client.count('drain')).toBe(1);
    expect(server.receivedBytes).toBe(WRITE_HIGH_WATER_BYTES + 1);
  });

  it('swallows everything while a link is cut, and brings it in order once it is mended', async () => {
    const { clock, network, client, server } = await scene();
    client.socket.write([Uint8Array.of(1)]);
    network.cut(A, B);
    client.socket.write([Uint8Array.of(2)]);
    await clock.advance(60_000);
    client.socket.write([Uint8Array.of(3)]);
    client.socket.end();
    await clock.advance(60_000);
    expect(server.calls).toEqual([]);
    expect(client.calls).toEqual([]);
    network.mend(A, B);
    await clock.advance(10);
    expect(server.received).toEqual(Uint8Array.of(1, 2, 3));
    expect(server.count('end')).toBe(1);
  });

  it('lets nothing that was sent during a cut overtake what the cut had held up', async () => {
    const { clock, network, client, server } = await scene({ link: { latencyMs: 50 } });
    client.socket.write([Uint8Array.of(1)]);
    network.cut(A, B);
    await clock.advance(1_000); // the first is lost, and waits to be sent again
    client.socket.write([Uint8Array.of(2)]);
    await clock.advance(30); // the second is on its way, and the link is whole when it comes
    network.mend(A, B);
    client.socket.write([Uint8Array.of(3)]);
    await clock.advance(40);
    expect(server.receivedBytes).toBe(0);
    await clock.advance(1_000);
    expect(server.received).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('gives up connecting over a cut link as a system does, or earlier when told', async () => {
    const { clock, network } = await scene();
    network.cut(A, B);
    const startedAtMs = clock.now();
    expect(await rejection(clock.settle(network.host(A).connect(AT_B)))).toMatchObject({
      detail: 'ETIMEDOUT',
    });
    expect(clock.now() - startedAtMs).toBe(127_000);
    const controller = new AbortController();
    clock.timer(15_000, () => controller.abort());
    const connecting = network.host(A).connect(AT_B, { signal: controller.signal });
    expect(await rejection(clock.settle(connecting))).toMatchObject({ code: 'ERR_RUNTIME_ABORTED' });
    expect(clock.now() - startedAtMs).toBe(142_000);
    network.mend(A, B);
    await clock.runUntilIdle();
    expect(network.openSockets).toBe(2);
  });

  it('tells an unknown host from a closed port', async () => {
    const { clock, network } = await scene();
    const from = network.host(A);
    expect(await rejection(clock.settle(from.connect({ host: '10.9.9.9', port: 1 })))).toMatchObject({
      detail: 'EHOSTUNREACH',
    });
    expect(await rejection(clock.settle(from.connect({ host: B, port: 1 })))).toMatchObject({
      detail: 'ECONNREFUSED',
    });
  });

  it('breaks all connections between two hosts at both ends', async () => {
    const { clock, network, client, server } = await scene();
    network.reset(B, A);
    await clock.advance(0);
    expect([client.error, server.error]).toEqual(['ECONNRESET', 'ECONNRESET']);
    expect(network.openSockets).toBe(0);
  });

  it('freezes a host: it takes no more than its windows, accepts later, and goes on where it was', async () => {
    const { clock, network, client, server } = await scene({ windowBytes: 500 });
    network.freeze(B);
    client.socket.write([new Uint8Array(2_000)]);
    const second = new Recorder(await clock.settle(network.host(A).connect(AT_B)));
    second.socket.write([Uint8Array.of(9)]);
    await clock.advance(10_000);
    expect(server.calls).toEqual([]);
    expect(client.socket.sentBytes).toBe(500);
    expect(network.openSockets).toBe(4);
    network.thaw(B);
    await clock.advance(100);
    expect(server.receivedBytes).toBe(2_000);
  });

  it('tells a paused reader of a reset only when it writes or reads again', async () => {
    for (const wake of ['write', 'resume'] as const) {
      const { clock, network, client, server } = await scene();
      client.socket.pause();
      server.socket.pause();
      client.socket.write([Uint8Array.of(1)]);
      await clock.advance(10);
      server.socket.destroy();
      await clock.advance(10);
      expect(client.calls).toEqual([]);
      if (wake === 'write') client.socket.write([Uint8Array.of(2)]);
      else client.socket.resume();
      await clock.advance(10);
      expect(client.calls).toEqual(['closed']);
      expect(client.error).toBe('ECONNRESET');
      expect(network.openSockets).toBe(0);
    }
  });

  it('answers bytes to a socket that is gone with a reset', async () => {
    const { clock, client, server } = await scene();
    server.socket.destroy();
    await clock.advance(10);
    expect(client.calls).toEqual(['end']);
    client.socket.write([Uint8Array.of(1)]);
    await clock.advance(10);
    expect(client.calls).toEqual(['end', 'closed']);
    expect(client.error).toBe('ECONNRESET');
  });

  it('still delivers what the system had taken before a destroy', async () => {
    const { clock, client, server } = await scene();
    client.socket.write([Uint8Array.of(1, 2, 3)]);
    await clock.advance(0);
    client.socket.destroy();
    await clock.advance(10);
    expect(server.received).toEqual(Uint8Array.of(1, 2, 3));
    expect(server.calls.at(-1)).toBe('end');
  });

  it('keeps listeners apart: wildcard, loopback, own address, no other', async () => {
    const clock = new VirtualClock();
    const network = new SimulatedNetwork({ clock });
    const host = network.host(A);
    const noting = (name: string, into: string[]) => (socket: TcpSocket) => {
      into.push(`${name} ${socket.remote.host}`);
    };
    const seen: string[] = [];
    await host.listen({ host: '127.0.0.1', port: 1 }, noting('loopback', seen));
    await host.listen({ host: A, port: 1 }, noting('own', seen));
    const wild = await host.listen({ host: '0.0.0.0', port: 2 }, noting('wild', seen));
    expect(await rejection(host.listen({ host: '127.0.0.1', port: 2 }, () => undefined))).toMatchObject({
      detail: 'EADDRINUSE',
    });
    expect(await rejection(host.listen({ host: '0.0.0.0', port: 1 }, () => undefined))).toMatchObject({
      detail: 'EADDRINUSE',
    });
    expect(await rejection(host.listen({ host: B, port: 3 }, () => undefined))).toMatchObject({
      detail: 'EADDRNOTAVAIL',
    });
    await clock.settle(host.connect({ host: '127.0.0.1', port: 1 }));
    await clock.settle(host.connect({ host: A, port: 1 }));
    await clock.settle(network.host(B).connect({ host: A, port: 2 }));
    expect(seen).toEqual(['loopback 127.0.0.1', `own ${A}`, `wild ${B}`]);
    expect(
      await rejection(clock.settle(network.host(B).connect({ host: '127.0.0.1', port: 1 }))),
    ).toMatchObject({
      detail: 'ECONNREFUSED',
    });
    await wild.close();
    const ports = new Set<number>();
    for (let i = 0; i < 50; i++)
      ports.add((await host.listen({ host: A, port: 0 }, () => undefined)).address.port);
    expect(ports.size).toBe(50);
  });

  it('leaves nothing behind once everything is closed', async () => {
    const { clock, network, client, server } = await scene();
    client.socket.write([new Uint8Array(100_000)]);
    await clock.advance(2);
    client.socket.destroy();
    await clock.advance(100);
    expect(network.describeOpenSockets()).toEqual([`${B} 30303 > ${A} ${client.socket.local.port}`]);
    server.socket.destroy();
    await clock.runUntilIdle();
    expect([network.openSockets, clock.pendingEvents]).toEqual([0, 0]);
  });
});
