import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RuntimeError, type TcpSocket, WRITE_HIGH_WATER_BYTES } from '../../src/runtime/index.js';
import { connectedPair, Recorder } from '../support/runtime-tcp.js';
import { rejection, TWINS, type Twin } from '../support/runtime-worlds.js';

const MIB = 1_048_576;

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
}

describe.each(TWINS)('tcp, $name', (kind) => {
  let twin: Twin;
  beforeEach(async () => {
    twin = await kind.open();
  });
  afterEach(() => twin.dispose());

  it('tells both ends the same two addresses', async () => {
    const { client, server, listener } = await connectedPair(twin);
    expect(client.socket.remote).toEqual(listener.address);
    expect(server.socket.local).toEqual(listener.address);
    expect(server.socket.remote).toEqual(client.socket.local);
    expect(client.socket.local.host).toBe(twin.host);
    client.socket.destroy();
    server.socket.destroy();
    await listener.close();
  });

  it('carries bytes both ways, whole and in order', async () => {
    const { client, server, listener } = await connectedPair(twin);
    const there = pattern(300_000);
    const back = pattern(200_001).reverse();
    client.socket.write([there.subarray(0, 1), there.subarray(1, 1), there.subarray(1, 70_000)]);
    client.socket.write([there.subarray(70_000)]);
    server.socket.write([back]);
    await twin.settle(server.until(() => server.receivedBytes === there.length));
    await twin.settle(client.until(() => client.receivedBytes === back.length));
    expect(Buffer.compare(server.received, there)).toBe(0);
    expect(Buffer.compare(client.received, back)).toBe(0);
    await twin.pass(20);
    expect(client.socket.pendingBytes).toBe(0);
    expect(client.socket.sentBytes).toBe(there.length);
    client.socket.destroy();
    server.socket.destroy();
    await listener.close();
  });

  it('leaves the memory of a write to its owner once nothing is pending', async () => {
    const { client, server, listener } = await connectedPair(twin);
    const bytes = new Uint8Array(500);
    let sent = 0;
    for (let i = 1; i <= 200; i++) {
      client.socket.write([bytes.fill(i)]);
      sent += bytes.length;
      for (let waits = 0; client.socket.pendingBytes > 0 && waits < 100; waits++) await twin.pass(1);
      expect(client.socket.pendingBytes).toBe(0);
      bytes.fill(0);
    }
    await twin.settle(server.until(() => server.receivedBytes === sent));
    const { received } = server;
    for (let i = 1; i <= 200; i++)
      expect(received.subarray((i - 1) * 500, i * 500).every((byte) => byte === i)).toBe(true);
    client.socket.destroy();
    server.socket.destroy();
    await listener.close();
  });

  it('hands chunks over as plain Uint8Arrays', async () => {
    const { client, server, listener } = await connectedPair(twin);
    let plain: boolean | undefined;
    const told = server.data.bind(server);
    server.data = (chunk) => {
      plain = Object.getPrototypeOf(chunk) === Uint8Array.prototype;
      told(chunk);
    };
    client.socket.write([pattern(10)]);
    await twin.settle(server.until(() => server.receivedBytes === 10));
    expect(plain).toBe(true);
    client.socket.destroy();
    server.socket.destroy();
    await listener.close();
  });

  it('F7: says stop while the peer does not read, sends no more than its window, and says go once it reads', async () => {
    const { client, server, listener } = await connectedPair(twin, false);
    server.socket.pause();
    const block = pattern(MIB);
    let written = 0;
    while (written < 64 * MIB) {
      written += block.length;
      if (!client.socket.write([block]) && written >= 16 * MIB) break;
    }
    await twin.pass(100);
    const stuckAt = client.socket.sentBytes;
    await twin.pass(50);
    expect(client.socket.sentBytes).toBe(stuckAt);
    expect(client.socket.pendingBytes).toBe(written - stuckAt);
    expect(client.socket.pendingBytes).toBeGreaterThan(WRITE_HIGH_WATER_BYTES);
    expect(client.count('drain')).toBe(0);
    expect(server.receivedBytes).toBe(0);
    server.socket.resume();
    await twin.settle(client.until(() => client.count('drain') === 1));
    expect(client.socket.pendingBytes).toBe(0);
    expect(client.socket.sentBytes).toBe(written);
    await twin.settle(server.until(() => server.receivedBytes === written));
    client.socket.destroy();
    server.socket.destroy();
    await listener.close();
  });

  it('shows progress within one large message to a slow reader', async () => {
    const { client, server, listener } = await connectedPair(twin, false);
    const size = 64 * MIB;
    const seen = new Set<number>();
    server.after = () => seen.add(client.socket.sentBytes);
    client.socket.write([new Uint8Array(size)]);
    await twin.settle(server.until(() => server.receivedBytes === size));
    // The system's own buffers hold some MiB; one write that reports only its end would show 2 values.
    expect(seen.size).toBeGreaterThan(4);
    client.socket.destroy();
    server.socket.destroy();
    await listener.close();
  });

  it('delivers nothing while paused, also when paused from inside data', async () => {
    const { client, server, listener } = await connectedPair(twin);
    server.after = (call) => {
      if (call === 'data') server.socket.pause();
    };
    client.socket.write([pattern(MIB)]);
    await twin.settle(server.until(() => server.receivedBytes > 0));
    await twin.pass(30);
    expect(server.count('data')).toBe(1);
    server.after = () => undefined;
    server.socket.resume();
    await twin.settle(server.until(() => server.receivedBytes === MIB));
    client.socket.destroy();
    server.socket.destroy();
    await listener.close();
  });

  it('ends one side at a time: what was written arrives, then the end, once; the other side may go on', async () => {
    const { client, server, listener } = await connectedPair(twin);
    const bytes = pattern(200_000);
    client.socket.write([bytes]);
    client.socket.end();
    client.socket.end();
    expect(client.socket.write([bytes])).toBe(false);
    await twin.settle(server.until(() => server.count('end') === 1));
    expect(server.receivedBytes).toBe(bytes.length);
    await twin.pass(20);
    expect(server.count('closed')).toBe(0);
    expect(client.count('closed')).toBe(0);
    server.socket.write([pattern(5)]);
    await twin.settle(client.until(() => client.receivedBytes === 5));
    server.socket.end();
    await twin.settle(client.until(() => client.count('closed') === 1));
    await twin.settle(server.until(() => server.count('closed') === 1));
    await twin.pass(20);
    expect(client.calls.at(-1)).toBe('closed');
    expect(server.calls.filter((call) => call !== 'data')).toEqual(['end', 'closed']);
    expect([client.error, server.error]).toEqual([undefined, undefined]);
    await listener.close();
  });

  it('ends both sides at once without an error', async () => {
    const { client, server, listener } = await connectedPair(twin);
    client.socket.end();
    server.socket.end();
    await twin.settle(client.until(() => client.count('closed') === 1));
    await twin.settle(server.until(() => server.count('closed') === 1));
    expect([client.error, server.error]).toEqual([undefined, undefined]);
    await listener.close();
  });

  it('destroys at once: closed follows outside the call, exactly once, and nothing after it', async () => {
    const { client, server, listener } = await connectedPair(twin);
    client.socket.destroy();
    client.socket.destroy();
    expect(client.calls).toEqual([]);
    await twin.settle(client.until(() => client.count('closed') === 1));
    await twin.settle(server.until(() => server.count('end') + server.count('closed') > 0));
    server.socket.destroy();
    await twin.settle(server.until(() => server.count('closed') === 1));
    await twin.pass(20);
    expect(client.calls).toEqual(['closed']);
    expect(client.error).toBeUndefined();
    expect(server.count('closed')).toBe(1);
    expect(client.socket.write([pattern(3)])).toBe(false);
    expect(client.socket.pendingBytes).toBe(0);
    await listener.close();
  });

  it('tells no data, drain or end once it was destroyed from inside data', async () => {
    const { client, server, listener } = await connectedPair(twin);
    server.after = (call) => {
      if (call === 'data') server.socket.destroy();
    };
    client.socket.write([pattern(MIB)]);
    client.socket.end();
    await twin.settle(server.until(() => server.count('closed') === 1));
    await twin.pass(20);
    expect(server.calls).toEqual(['data', 'closed']);
    await twin.settle(client.until(() => client.count('closed') === 1));
    await listener.close();
  });

  it('reports a peer that resets as ECONNRESET or EPIPE, without throwing', async () => {
    const { client, server, listener } = await connectedPair(twin);
    // Unread bytes in a socket that is destroyed make the system send a reset.
    server.socket.pause();
    client.socket.write([pattern(MIB)]);
    await twin.pass(30);
    server.socket.destroy();
    await twin.pass(10);
    client.socket.write([pattern(MIB)]);
    await twin.settle(client.until(() => client.count('closed') === 1));
    expect(['ECONNRESET', 'EPIPE']).toContain(client.error);
    await listener.close();
  });

  it('destroys an accepted socket that nobody takes', async () => {
    const listener = await twin.world.tcp.listen({ host: twin.host, port: 0 }, () => undefined);
    const client = new Recorder(await twin.settle(twin.world.tcp.connect(listener.address)));
    client.after = (call) => {
      if (call === 'end') client.socket.destroy();
    };
    await twin.settle(client.until(() => client.count('closed') === 1));
    await listener.close();
  });

  it('destroys a connected socket that nobody takes', async () => {
    const accepted: Recorder[] = [];
    const listener = await twin.world.tcp.listen({ host: twin.host, port: 0 }, (socket) => {
      const recorder = new Recorder(socket);
      recorder.after = (call) => {
        if (call === 'end') socket.destroy();
      };
      accepted.push(recorder);
    });
    const forgotten = await twin.settle(twin.world.tcp.connect(listener.address));
    await twin.pass(50);
    expect(forgotten.write([pattern(1)])).toBe(false);
    expect(accepted.map((recorder) => recorder.count('closed'))).toEqual([1]);
    await listener.close();
  });

  it('refuses a second owner', async () => {
    const { client, server, listener } = await connectedPair(twin);
    expect(() => new Recorder(client.socket)).toThrow('owner already');
    client.socket.destroy();
    server.socket.destroy();
    await listener.close();
  });

  it('names why it cannot connect or listen', async () => {
    const { tcp } = twin.world;
    const listener = await tcp.listen({ host: twin.host, port: 0 }, () => undefined);
    const taken = await rejection(tcp.listen(listener.address, () => undefined));
    expect(taken).toMatchObject({ code: 'ERR_RUNTIME_LISTEN', detail: 'EADDRINUSE' });
    expect(taken).toBeInstanceOf(RuntimeError);
    await listener.close();
    expect(await rejection(twin.settle(tcp.connect(listener.address)))).toMatchObject({
      code: 'ERR_RUNTIME_CONNECT',
      detail: 'ECONNREFUSED',
    });
    const foreign = { host: '192.0.2.7', port: 0 };
    expect(await rejection(tcp.listen(foreign, () => undefined))).toMatchObject({
      code: 'ERR_RUNTIME_LISTEN',
      detail: 'EADDRNOTAVAIL',
    });
    for (const bad of [
      { host: 'localhost', port: 1 },
      { host: '', port: 1 },
      { host: twin.host, port: 65_536 },
      { host: twin.host, port: -1 },
      { host: twin.host, port: 1.5 },
      { host: twin.host, port: Number.NaN },
    ]) {
      expect(await rejection(tcp.connect(bad))).toMatchObject({
        code: 'ERR_RUNTIME_CONNECT',
        detail: 'EINVAL',
      });
      expect(await rejection(tcp.listen(bad, () => undefined))).toMatchObject({
        code: 'ERR_RUNTIME_LISTEN',
        detail: 'EINVAL',
      });
    }
    expect(await rejection(tcp.connect({ host: twin.host, port: 0 }))).toMatchObject({ detail: 'EINVAL' });
  });

  it('frees the port when the listener closes, while accepted sockets live on', async () => {
    const { client, server, listener } = await connectedPair(twin);
    await listener.close();
    await listener.close();
    const again = await twin.world.tcp.listen(listener.address, () => undefined);
    client.socket.write([pattern(7)]);
    await twin.settle(server.until(() => server.receivedBytes === 7));
    await again.close();
    client.socket.destroy();
    server.socket.destroy();
  });

  it('gives up connecting when the signal says so, before and during', async () => {
    const { tcp } = twin.world;
    const listener = await tcp.listen({ host: twin.host, port: 0 }, (socket) => {
      const recorder = new Recorder(socket);
      recorder.after = () => socket.destroy();
    });
    expect(await rejection(tcp.connect(listener.address, { signal: AbortSignal.abort() }))).toMatchObject({
      code: 'ERR_RUNTIME_ABORTED',
    });
    const controller = new AbortController();
    const connecting = tcp.connect(listener.address, { signal: controller.signal });
    controller.abort(new Error('changed my mind'));
    expect(await rejection(connecting)).toMatchObject({
      code: 'ERR_RUNTIME_ABORTED',
      cause: expect.objectContaining({ message: 'changed my mind' }),
    });
    await twin.pass(20);
    await listener.close();
  });

  it('survives an abort at the moment of connecting: the socket is either handed over or gone', async () => {
    const { tcp } = twin.world;
    const open: TcpSocket[] = [];
    let closed = 0;
    const listener = await tcp.listen({ host: twin.host, port: 0 }, (socket) => {
      open.push(socket);
      const recorder = new Recorder(socket);
      recorder.after = (call) => {
        if (call === 'end') socket.destroy();
        if (call === 'closed') closed++;
      };
    });
    for (let i = 0; i < 20; i++) {
      const controller = new AbortController();
      const connecting = tcp.connect(listener.address, { signal: controller.signal });
      twin.world.clock.timer(i / 5, () => controller.abort());
      const socket = await twin.settle(connecting.catch(() => undefined));
      socket?.destroy();
    }
    await twin.pass(100);
    expect(closed).toBe(open.length);
    await listener.close();
  });

  it('knows IPv6', async (context) => {
    const host = '::1';
    let listener: Awaited<ReturnType<typeof twin.world.tcp.listen>>;
    const accepted: Recorder[] = [];
    try {
      listener = await twin.world.tcp.listen({ host, port: 0 }, (socket) =>
        accepted.push(new Recorder(socket)),
      );
    } catch (error) {
      // A machine without IPv6 has nothing to show here.
      if (
        error instanceof RuntimeError &&
        (error.detail === 'EADDRNOTAVAIL' || error.detail === 'EAFNOSUPPORT')
      )
        return context.skip();
      throw error;
    }
    const client = new Recorder(await twin.settle(twin.world.tcp.connect(listener.address)));
    await twin.pass(20);
    expect(client.socket.remote.host).toBe('::1');
    expect(accepted[0]?.socket.remote.host).toBe('::1');
    client.socket.destroy();
    accepted[0]?.socket.destroy();
    await twin.pass(10);
    await listener.close();
  });
});
