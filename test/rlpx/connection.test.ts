import { describe, expect, test } from 'vitest';
import { snappyDecompress } from '../../src/codec/index.js';
import { decodeHello, packMessage, RlpxConnection, RlpxError } from '../../src/rlpx/index.js';
import { realClock, realRandom, realTcp, seededRandom } from '../../src/runtime/index.js';
import { bytes, hex, text } from '../support/crypto-values.js';
import {
  accepted,
  CAPABILITIES,
  crypto,
  DIALLER_KEY,
  diallerId,
  LISTENER_KEY,
  listenerId,
  meet,
  Owner,
  openPair,
  owning,
  scripted,
} from '../support/rlpx-connections.js';

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof RlpxError) return error.code;
    throw error;
  }
  return 'nothing';
}

describe('two connections', () => {
  test('authenticate, greet, and share the highest version of each capability', async () => {
    const { dialler, listener } = await openPair();
    for (const owner of [dialler, listener]) {
      expect(owner.calls).toEqual(['authenticated', 'greeted eth/69 snap/1']);
      expect(owner.open.stage).toBe('open');
      expect(owner.open.shared.map(({ offset }) => offset)).toEqual([16, 34]);
    }
    expect(hex(dialler.open.remotePublicKey ?? text(''))).toBe(hex(listenerId));
    expect(hex(listener.open.remotePublicKey ?? text(''))).toBe(hex(diallerId));
    expect(dialler.open.hello?.clientId).toBe('owner/recipient');
  });

  test('derive the same shared id', async () => {
    const { dialler, listener } = await openPair();
    expect(dialler.open.sharedId).toHaveLength(16);
    expect(hex(dialler.open.sharedId ?? text('a'))).toBe(hex(listener.open.sharedId ?? text('b')));
  });

  test('carry messages both ways in order, through pieces of any size', async () => {
    for (const seed of [1, 2, 3, 4]) {
      const { clock, dialler, listener } = await openPair({}, { seed });
      const random = seededRandom(seed);
      const sent: string[] = [];
      for (const size of [0, 1, 100, 5_000, 70_000, 3, 300_000, 16]) {
        const payload = random.bytes(size);
        sent.push(hex(payload));
        dialler.open.send(dialler.eth, size % 18, payload);
        listener.open.sendPacked(listener.eth, packMessage(size % 18, payload));
      }
      await clock.advance(1_000);
      for (const owner of [dialler, listener]) {
        expect(owner.messages.map((message) => hex(message.payload(1_000_000)))).toEqual(sent);
        expect(owner.messages.map(({ id }) => id)).toEqual([0, 1, 10, 14, 16, 3, 12, 16]);
        expect(owner.messages.map(({ capability }) => capability.name)).toEqual(sent.map(() => 'eth'));
      }
    }
  });

  test('send uncompressed where the other says version 4', async () => {
    const { clock, peer, owner } = await accepted({ hello: { p2pVersion: 4 } });
    owner.open.send(owner.eth, 1, text('plain'));
    owner.open.sendPacked(owner.eth, packMessage(2, text('packed')));
    peer.send(17, text('also plain'));
    await clock.advance(20);
    expect(peer.frames.slice(1).map(({ id, payload }) => [id, payload])).toEqual([
      [17, text('plain')],
      [18, text('packed')],
    ]);
    expect(owner.messages[0]?.payload(100)).toEqual(text('also plain'));
  });

  test('frames of one turn leave in one write', async () => {
    const writes: number[] = [];
    const pair = await meet({
      dialler: (socket, clock) => {
        const write = socket.write.bind(socket);
        const counting = Object.assign(Object.create(socket) as typeof socket, {
          attach: socket.attach.bind(socket),
          write: (chunks: readonly Uint8Array[]) => {
            writes.push(chunks.length);
            return write(chunks);
          },
        });
        Object.defineProperty(counting, 'pendingBytes', { get: () => socket.pendingBytes });
        Object.defineProperty(counting, 'sentBytes', { get: () => socket.sentBytes });
        return owning('initiator')(counting, clock);
      },
      listener: owning('recipient'),
    });
    await pair.clock.advance(100);
    writes.length = 0;
    for (let i = 0; i < 5; i++) pair.dialler.open.send(pair.dialler.eth, i, text('hello'));
    await pair.clock.advance(100);
    expect(writes).toEqual([1]); // small ones side by side, in one piece
    expect(pair.listener.messages).toHaveLength(5);
  });

  test('count bytes and messages', async () => {
    const { clock, dialler, listener } = await openPair();
    dialler.open.send(dialler.eth, 1, text('one'));
    await clock.advance(10);
    expect(dialler.open.stats.messagesOut).toBe(2);
    expect(dialler.open.stats.messagesIn).toBe(1);
    expect(listener.open.stats.bytesIn).toBe(dialler.open.stats.bytesOut);
    expect(dialler.open.stats.bytesIn).toBe(listener.open.stats.bytesOut);
    expect(listener.activities).toBe(2);
  });

  test('work over real sockets of the loopback', async () => {
    const owners = { near: new Owner(), far: new Owner() };
    const opened = new Promise<void>((resolve) => {
      owners.far.on = (call) => {
        if (call === 'message') resolve();
      };
    });
    const listener = await realTcp.listen({ host: '127.0.0.1', port: 0 }, (socket) => {
      owners.far.connection = new RlpxConnection({
        ...common(owners.far, LISTENER_KEY),
        socket,
        role: 'recipient',
      });
    });
    owners.near.on = (call) => {
      if (call.startsWith('greeted')) owners.near.open.send(owners.near.eth, 2, text('over the wire'));
    };
    const socket = await realTcp.connect(listener.address);
    owners.near.connection = new RlpxConnection({
      ...common(owners.near, DIALLER_KEY),
      socket,
      role: 'initiator',
      remotePublicKey: listenerId,
    });
    await opened;
    expect(owners.far.messages[0]?.payload(100)).toEqual(text('over the wire'));
    const released = new Promise<void>((resolve) => {
      owners.far.on = (call) => {
        if (call === 'released') resolve();
      };
    });
    owners.near.open.disconnect(8);
    await released;
    expect(owners.far.end).toEqual({
      by: 'remote',
      received: 8,
      says: 'the peer disconnected: client quitting',
    });
    await listener.close();

    function common(handlers: Owner, secretKey: Uint8Array) {
      const hello = { clientId: 'real', listenPort: 0 };
      return {
        crypto,
        clock: realClock,
        random: realRandom,
        secretKey,
        hello,
        capabilities: CAPABILITIES,
        handlers,
      };
    }
  });
});

describe('the first words', () => {
  test('both sides send Hello at once, neither waits for the other', async () => {
    const { peer, owner } = await accepted({ hello: false });
    expect(owner.open.stage).toBe('greeting');
    expect(peer.frames.map(({ id }) => id)).toEqual([0]);
    const hello = decodeHello(peer.frames[0]?.payload ?? new Uint8Array(0));
    expect(hello).toEqual({
      p2pVersion: 5,
      clientId: 'owner/recipient',
      capabilities: CAPABILITIES.map(({ name, version }) => ({ name, version })),
      listenPort: 0,
      publicKey: listenerId,
    });
  });

  test('who disconnects when authenticated sends an uncompressed Disconnect instead of Hello', async () => {
    const owner = new Owner();
    owner.on = (call) => {
      if (call === 'authenticated') owner.open.disconnect(4);
    };
    const { clock, dialler: peer } = await meet({
      dialler: scripted('initiator'),
      listener: owning('recipient', {}, owner),
    });
    peer.write(peer.start());
    await clock.advance(50);
    expect(peer.frames.map(({ id, payload }) => [id, hex(payload)])).toEqual([[1, 'c104']]);
    expect(owner.calls).toEqual(['authenticated', 'ended']);
    expect(owner.end).toEqual({ by: 'local', sent: 4, says: 'we disconnected: too many peers' });
  });

  test('no shared capability: a compressed Disconnect 3, and nobody is greeted', async () => {
    const { peer, owner } = await accepted({ hello: { capabilities: [{ name: 'eth', version: 67 }] } });
    expect(peer.frames.map(({ id }) => id)).toEqual([0, 1]);
    expect(hex(snappyDecompress(peer.frames[1]?.payload ?? text(''), 10))).toBe('c103');
    expect(owner.calls).toEqual(['authenticated', 'ended']);
    expect(owner.end).toEqual({
      by: 'local',
      code: 'ERR_RLPX_USELESS',
      sent: 3,
      says: 'no shared capability',
    });
    expect(owner.open.hello?.clientId).toBe('scripted');
  });

  test('a refused key before the handshake ends silently', async () => {
    const {
      clock,
      dialler: peer,
      listener: owner,
    } = await meet({
      dialler: scripted('initiator'),
      listener: owning('recipient'),
    });
    owner.open.disconnect(4);
    expect(owner.end).toEqual({ by: 'local', says: 'we disconnected: too many peers' });
    await clock.advance(50);
    expect(peer.receivedBytes).toBe(0);
    expect(owner.calls).toEqual(['ended', 'released']);
  });

  test('options that cannot be leave the socket alone', async () => {
    const { dialler } = await meet({
      dialler: (socket, clock) => {
        const failed = [
          codeOf(() => owning('initiator', { secretKey: new Uint8Array(32) })(socket, clock)),
          codeOf(() => owning('initiator', { remotePublicKey: undefined })(socket, clock)),
          codeOf(() =>
            owning('initiator', { hello: { clientId: 'x'.repeat(3_000), listenPort: 0 } })(socket, clock),
          ),
        ];
        return { failed, owner: owning('initiator')(socket, clock) };
      },
      listener: owning('recipient'),
    });
    expect(dialler.failed).toEqual(['ERR_RLPX_ARGUMENT', 'ERR_RLPX_ARGUMENT', 'ERR_RLPX_ARGUMENT']);
  });
});

describe('sending', () => {
  test('what cannot be sent throws at once', async () => {
    const { clock, dialler, listener } = await openPair();
    const { open, eth } = dialler;
    expect(codeOf(() => open.send(eth, 18, text('x')))).toBe('ERR_RLPX_ARGUMENT');
    expect(codeOf(() => open.send(eth, -1, text('x')))).toBe('ERR_RLPX_ARGUMENT');
    expect(codeOf(() => open.send(eth, 0.5, text('x')))).toBe('ERR_RLPX_ARGUMENT');
    expect(codeOf(() => open.send({ ...eth, name: 'les' }, 0, text('x')))).toBe('ERR_RLPX_ARGUMENT');
    expect(codeOf(() => open.send(eth, 0, new Uint8Array(2 ** 24)))).toBe('ERR_RLPX_ARGUMENT');
    open.send(eth, 0, text('still well'));
    await clock.advance(50);
    expect(listener.messages).toHaveLength(1);
    open.destroy();
    expect(codeOf(() => open.send(eth, 0, text('x')))).toBe('ERR_RLPX_STATE');
    expect(codeOf(() => open.sendPacked(eth, packMessage(0, text('x'))))).toBe('ERR_RLPX_STATE');
    expect(codeOf(() => open.ping())).toBe('ERR_RLPX_STATE');
  });

  test('says when to wait and when to go on', async () => {
    const { clock, dialler, listener } = await openPair();
    listener.open.pause();
    const payload = seededRandom('full').bytes(40_000);
    let sent = 0;
    while (dialler.open.send(dialler.eth, 0, payload)) {
      sent++;
      await clock.advance(5);
    }
    expect(sent).toBeGreaterThan(1);
    expect(dialler.open.backlogBytes).toBeGreaterThan(65_536);
    expect(dialler.count('drained')).toBe(0);
    listener.open.resume();
    await clock.advance(100);
    expect(dialler.count('drained')).toBe(1);
    expect(dialler.open.backlogBytes).toBe(0);
    expect(listener.messages).toHaveLength(sent + 1);
  });

  test('a turn that is full says so before the socket could, and drains in the same breath', async () => {
    const { clock, dialler, listener } = await openPair({}, { windowBytes: 10_000_000 });
    const payload = seededRandom('tick').bytes(60_000);
    const answers = [1, 2, 3, 4, 5, 6].map(() => dialler.open.send(dialler.eth, 0, payload));
    expect(answers).toEqual([true, true, true, true, false, false]);
    await clock.advance(100);
    expect(dialler.count('drained')).toBe(1);
    expect(listener.messages).toHaveLength(6);
  });
});

describe('pings', () => {
  test('are answered, one at a time', async () => {
    const { clock, dialler, listener } = await openPair();
    expect(dialler.open.ping()).toBe(true);
    expect(dialler.open.ping()).toBe(false);
    await clock.advance(10);
    expect(dialler.count('pong')).toBe(1);
    expect(dialler.open.ping()).toBe(true);
    await clock.advance(10);
    expect([dialler.count('pong'), listener.count('pong')]).toEqual([2, 0]);
  });

  test('the answer is a compressed empty list', async () => {
    const { clock, peer } = await accepted();
    peer.send(2, bytes('0100c0'));
    await clock.advance(10);
    expect(peer.frames.slice(1).map(({ id, payload }) => [id, hex(payload)])).toEqual([[3, '0100c0']]);
  });

  test('a pong that nobody asked for is nothing', async () => {
    const { clock, peer, owner } = await accepted();
    peer.send(3, bytes('0100c0'));
    await clock.advance(10);
    expect(owner.calls).toEqual(['authenticated', 'greeted eth/69']);
    expect(owner.activities).toBe(2);
  });
});

describe('pausing', () => {
  test('stops at the next message, though more have arrived, and goes on in order', async () => {
    const { clock, peer, owner } = await accepted();
    owner.on = (call) => {
      if (call === 'message' && owner.messages.length === 2) owner.open.pause();
    };
    peer.write(
      Uint8Array.from(Buffer.concat([1, 2, 3, 4].map((id) => peer.frame(16 + id, bytes('0100c0'))))),
    );
    await clock.advance(50);
    expect(owner.messages.map(({ id }) => id)).toEqual([1, 2]);
    peer.send(21, bytes('0100c0'));
    await clock.advance(50);
    expect(owner.messages).toHaveLength(2);
    owner.open.resume();
    expect(owner.messages).toHaveLength(2); // never from inside a call
    await clock.advance(50);
    expect(owner.messages.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5]);
  });

  test('frames that wait come before the end of the input', async () => {
    const { clock, peer, owner } = await accepted();
    owner.on = (call) => {
      if (call === 'message' && owner.messages.length === 1) owner.open.pause();
    };
    peer.write(
      Uint8Array.from(Buffer.concat([peer.frame(16, bytes('0100c0')), peer.frame(1, bytes('0204c108'))])),
    );
    peer.socket.end();
    await clock.advance(50);
    expect(owner.end).toBeUndefined();
    owner.open.resume();
    await clock.advance(50);
    expect(owner.end?.received).toBe(8);
  });

  test('pause and resume in one call change nothing', async () => {
    const { clock, peer, owner } = await accepted();
    owner.on = (call) => {
      if (call !== 'message') return;
      owner.open.pause();
      owner.open.resume();
    };
    for (let i = 0; i < 5; i++) peer.send(16, bytes('0100c0'));
    await clock.advance(50);
    expect(owner.messages).toHaveLength(5);
  });
});
