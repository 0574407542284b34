import { describe, expect, test } from 'vitest';
import { sameBytes, snappyCompress, snappyDecompress } from '../../src/codec/index.js';
import { type ConnectionEnd, encodeDisconnect } from '../../src/rlpx/index.js';
import { seededRandom, type TcpSocket } from '../../src/runtime/index.js';
import { bytes, hex, text } from '../support/crypto-values.js';
import {
  accepted,
  crypto,
  diallerId,
  meet,
  Owner,
  openPair,
  owning,
  type ScriptedPeer,
  scripted,
} from '../support/rlpx-connections.js';

const EMPTY = bytes('0100c0');
/** Answers nothing, owns nothing. */
const mute = (socket: TcpSocket): TcpSocket => {
  socket.attach({
    data: () => undefined,
    drain: () => undefined,
    end: () => undefined,
    closed: () => undefined,
  });
  return socket;
};

/** What must hold after every ending: told once, nothing after it but the release, no timer left. */
async function gone(
  clock: { advance(ms: number): Promise<void>; pendingTimers: number },
  owner: Owner,
): Promise<ConnectionEnd> {
  await clock.advance(3_000);
  expect(owner.count('ended')).toBe(1);
  expect(owner.calls.slice(-2)).toEqual(['ended', 'released']);
  expect(owner.open.stage).toBe('ended');
  expect(clock.pendingTimers).toBe(0);
  if (owner.end === undefined) throw new Error('no end');
  return owner.end;
}

describe('endings', () => {
  test('our Disconnect reaches the peer, and both are released', async () => {
    const { clock, dialler, listener } = await openPair();
    dialler.open.disconnect(8);
    expect(dialler.calls.at(-1)).toBe('ended'); // at once
    dialler.open.disconnect(2);
    dialler.open.destroy();
    expect(await gone(clock, dialler)).toEqual({
      by: 'local',
      sent: 8,
      says: 'we disconnected: client quitting',
    });
    expect(await gone(clock, listener)).toEqual({
      by: 'remote',
      received: 8,
      says: 'the peer disconnected: client quitting',
    });
  });

  test('the cause that the caller names is the cause that is told', async () => {
    const { clock, dialler } = await openPair();
    dialler.open.disconnect(11, { code: 'ERR_SESSION_IDLE', says: 'nothing came for 30 s', by: 'transport' });
    expect(await gone(clock, dialler)).toEqual({
      by: 'transport',
      sent: 11,
      code: 'ERR_SESSION_IDLE',
      says: 'nothing came for 30 s',
    });
  });

  test('destroy says nothing to the peer', async () => {
    const { clock, dialler, listener } = await openPair();
    dialler.open.destroy();
    expect(await gone(clock, dialler)).toEqual({ by: 'local', says: 'we closed the connection' });
    expect((await gone(clock, listener)).code).toBe('EOF');
  });

  test('both disconnect at once: each keeps its own cause', async () => {
    const { clock, dialler, listener } = await openPair();
    dialler.open.disconnect(8);
    listener.open.disconnect(4);
    expect((await gone(clock, dialler)).sent).toBe(8);
    expect((await gone(clock, listener)).sent).toBe(4);
  });

  test('a reset is told with the word of the system', async () => {
    const { clock, network, dialler, listener } = await openPair();
    network.reset('10.0.0.1', '10.0.0.2');
    const end = { by: 'transport', code: 'ECONNRESET', says: 'the connection failed: ECONNRESET' };
    expect(await gone(clock, dialler)).toEqual(end);
    expect(await gone(clock, listener)).toEqual(end);
  });

  test('what was sent before a Disconnect arrives before it', async () => {
    const { clock, dialler, listener } = await openPair();
    for (let i = 0; i < 3; i++) dialler.open.send(dialler.eth, i, text('last words'));
    dialler.open.disconnect(8);
    await gone(clock, listener);
    expect(listener.messages).toHaveLength(3);
    expect(listener.end?.received).toBe(8);
  });

  test('an owner that disconnects inside a handler hears nothing more', async () => {
    const { clock, peer, owner } = await accepted();
    owner.on = (call) => {
      if (call === 'message') owner.open.disconnect(16);
    };
    peer.write(Uint8Array.from(Buffer.concat([1, 2, 3].map(() => peer.frame(16, EMPTY)))));
    await gone(clock, owner);
    expect(owner.messages).toHaveLength(1);
    expect(peer.frames.map(({ id }) => id)).toEqual([0, 1]);
  });

  test('nor does one that disconnects when it hears that something came', async () => {
    const { clock, peer, owner } = await accepted();
    owner.on = (call) => {
      if (call === 'activity') owner.open.disconnect(4);
    };
    peer.send(16, EMPTY);
    expect(await gone(clock, owner)).toMatchObject({ by: 'local', sent: 4 });
    expect(owner.messages).toEqual([]);
  });

  test('a peer that closes when it is told leaves no timer of ours to wait for', async () => {
    const { clock, dialler, listener } = await openPair();
    dialler.open.disconnect(8);
    await clock.advance(500);
    expect([dialler.count('released'), listener.count('released')]).toEqual([1, 1]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('a message that the owner cannot read ends the connection with its reason', async () => {
    const { clock, peer, owner } = await accepted();
    owner.on = (call) => {
      if (call === 'message') owner.messages[0]?.payload(1_000);
    };
    peer.send(16, bytes('01044142'));
    const end = await gone(clock, owner);
    expect([end.by, end.code, end.sent]).toEqual(['local', 'ERR_RLPX_SNAPPY', 2]);
    expect(hex(snappyDecompress(peer.frames.at(-1)?.payload ?? text(''), 10))).toBe('c102');
  });

  test("an owner's own mistake is not swallowed, and the connection does not go on half read", async () => {
    const { clock, peer, owner } = await accepted();
    let thrown: unknown;
    owner.on = (call) => {
      if (call === 'message') throw new Error('mistake');
    };
    peer.send(16, EMPTY);
    await clock.advance(20).catch((error: unknown) => {
      thrown = error;
    });
    expect(String(thrown)).toBe('Error: mistake');
    owner.on = () => undefined;
    expect((await gone(clock, owner)).says).toBe('a handler threw');
  });

  test('E11: a peer that never closes its side loses the socket after 2 s', async () => {
    const { clock, peer, owner } = await accepted();
    owner.open.disconnect(4);
    await clock.advance(1_990);
    expect(peer.frames.at(-1)?.id).toBe(1);
    expect(peer.calls).toEqual(['end']);
    expect(owner.calls.at(-1)).toBe('ended');
    await clock.advance(20);
    expect(owner.calls.at(-1)).toBe('released');
    expect(clock.pendingTimers).toBe(0);
  });

  test('E11: a peer that goes on sending while we linger is not heard, and does not lose our Disconnect', async () => {
    const { clock, peer, owner } = await accepted();
    owner.open.pause();
    owner.open.disconnect(4);
    for (let i = 0; i < 20; i++) peer.send(16, snappyCompress(seededRandom(i).bytes(9_000)));
    peer.send(1, snappyCompress(encodeDisconnect(8)));
    await clock.advance(500);
    expect(owner.messages).toEqual([]);
    expect(peer.frames.at(-1)?.id).toBe(1);
    peer.socket.end();
    expect((await gone(clock, owner)).sent).toBe(4);
  });
});

describe('hostile peers', () => {
  test('E1: a Hello with the key of somebody else ends in reason 9', async () => {
    const { clock, peer, owner } = await accepted({
      hello: { publicKey: crypto.publicKey(new Uint8Array(32).fill(9)) },
    });
    const end = await gone(clock, owner);
    expect([end.by, end.code, end.sent]).toEqual(['local', 'ERR_RLPX_IDENTITY', 9]);
    expect(peer.frames.map(({ id, payload }) => [id, id === 1 ? hex(payload) : ''])).toEqual([
      [0, ''],
      [1, 'c109'],
    ]);
    expect(owner.calls).not.toContain('message');
    expect(hex(owner.open.remotePublicKey ?? text(''))).toBe(hex(diallerId));
  });

  test('F9: a Hello of 2, 63, 65, 128 bytes of key or of zeros ends in reason 9', async () => {
    for (const key of [2, 63, 65, 128]
      .map((length) => new Uint8Array(length).fill(7))
      .concat(new Uint8Array(64))) {
      const { clock, owner } = await accepted({ hello: { publicKey: key } });
      expect((await gone(clock, owner)).sent).toBe(9);
      expect(owner.calls).toEqual(['authenticated', 'ended', 'released']);
    }
  });

  test('E2, F8: the second of 501 Hellos ends the connection with reason 2, and no timer is left', async () => {
    const { clock, peer, owner } = await accepted();
    for (let i = 0; i < 500; i++) peer.send(0, snappyCompress(peer.hello()));
    const end = await gone(clock, owner);
    expect([end.code, end.sent]).toEqual(['ERR_RLPX_HELLO_TWICE', 2]);
    expect(owner.calls).toEqual(['authenticated', 'greeted eth/69', 'ended', 'released']);
  });

  test('F1: a frame above 2 KiB before Hello ends the connection on its header', async () => {
    const { clock, peer, owner } = await accepted({ hello: false });
    peer.write(peer.frame(0, new Uint8Array(16_000_000)).subarray(0, 32));
    await clock.advance(20);
    const end = await gone(clock, owner);
    expect([end.code, end.sent]).toEqual(['ERR_RLPX_FRAME_SIZE', 2]);
  });

  test.each([
    [2_047, 'ERR_RLPX_HELLO'], // with the id 2,048: within the limit, though no Hello
    [2_048, 'ERR_RLPX_FRAME_SIZE'],
  ])('F1: %i bytes and an id before Hello end in %s', async (bytes, code) => {
    const { clock, peer, owner } = await accepted({ hello: false });
    peer.send(0, new Uint8Array(bytes));
    await clock.advance(20);
    expect(await gone(clock, owner)).toMatchObject({ code, sent: 2 });
  });

  test('F1: after Hello a large frame is fine', async () => {
    const { clock, peer, owner } = await accepted();
    const payload = seededRandom('large').bytes(3_000_000);
    peer.send(16, snappyCompress(payload));
    await clock.advance(2_000);
    expect(sameBytes(owner.messages[0]?.payload(10_000_000) ?? EMPTY, payload)).toBe(true);
  });

  test('F2, F3, F4: an id outside everything shared ends in reason 2 and never reaches a handler', async () => {
    for (const id of [34, 35, 255, 256, 2 ** 16, 2 ** 32 - 1]) {
      const { clock, peer, owner } = await accepted();
      peer.send(id, EMPTY);
      const end = await gone(clock, owner);
      expect([end.code, end.sent]).toEqual(['ERR_RLPX_MESSAGE_ID', 2]);
      expect(owner.messages).toEqual([]);
    }
  });

  test('F3: reserved ids are ignored', async () => {
    const { clock, peer, owner } = await accepted();
    for (let id = 4; id < 16; id++) peer.send(id, EMPTY);
    peer.send(16, EMPTY);
    await clock.advance(50);
    expect(owner.messages).toHaveLength(1);
  });

  test('F5, F6: every shape of Disconnect ends the connection by remote', async () => {
    const shapes: readonly (readonly [Uint8Array, number])[] = [
      [bytes('c104'), 4],
      [bytes('04'), 4],
      [bytes('0204c104'), 4],
      [bytes('010004'), 4],
      [bytes(''), 255],
      [bytes('c0'), 255],
      [bytes('c988ffffffffffffffff'), 255],
      [new Uint8Array(100_000).fill(0xff), 255],
    ];
    for (const [payload, reason] of shapes) {
      const { clock, peer, owner } = await accepted();
      peer.send(1, payload);
      const end = await gone(clock, owner);
      expect([end.by, end.received]).toEqual(['remote', reason]);
      expect(end.says).toContain('the peer disconnected: ');
    }
  });

  test('F7: a flood of pings from a peer that does not read leaves at most 64 KiB and a frame waiting', async () => {
    // Each ping arrives in a turn of its own, which is the worst: those of one turn share their pong.
    const link = { latencyMs: 1, bytesPerSecond: 640_000 };
    const { clock, peer, owner } = await accepted({}, { windowBytes: 16_384, maxPieceBytes: 64, link });
    peer.socket.pause();
    const backlogs: number[] = [];
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i < 256; i++) peer.send(2, EMPTY);
      await clock.advance(40);
      backlogs.push(owner.open.backlogBytes);
    }
    const sent = owner.open.stats.messagesOut;
    expect(owner.open.stats.messagesIn).toBe(1 + 12 * 256);
    expect(sent).toBeLessThan(1_400);
    expect(backlogs.at(-1)).toBeGreaterThan(65_536);
    expect(Math.max(...backlogs)).toBeLessThanOrEqual(65_536 + 64);
    peer.socket.resume();
    await clock.advance(100);
    expect(owner.open.stats.messagesOut - sent).toBe(1); // the one that was due
    expect(owner.open.backlogBytes).toBe(0);
    expect(owner.open.stage).toBe('open');
  });

  test('F7: pings that arrive together share one pong', async () => {
    const { clock, peer, owner } = await accepted({}, { maxPieceBytes: 1_000_000, windowBytes: 1_000_000 });
    for (let i = 0; i < 10_000; i++) peer.send(2, EMPTY);
    await clock.advance(20);
    expect(owner.open.stats.messagesIn).toBe(10_001);
    expect(owner.open.stats.messagesOut).toBe(2);
  });

  test('F10: an empty client name is fine', async () => {
    const { owner } = await accepted({ hello: { clientId: '' } });
    expect(owner.open.stage).toBe('open');
  });

  test('F14: whichever byte of a frame is flipped, the connection ends silently and alike', async () => {
    const ends = new Set<string>();
    const { peer: sample } = await accepted();
    const frameBytes = sample.frame(16, bytes('0204c104')).length;
    for (let at = 0; at < frameBytes; at++) {
      const { clock, peer, owner } = await accepted();
      const frame = peer.frame(16, bytes('0204c104'));
      frame[at] = (frame[at] as number) ^ 0x40;
      peer.write(frame);
      ends.add(JSON.stringify(await gone(clock, owner)));
      expect(peer.frames).toHaveLength(1); // its Hello, and no Disconnect
      expect(owner.messages).toEqual([]);
    }
    expect([...ends]).toEqual([JSON.stringify({ by: 'local', says: 'a MAC differs', code: 'ERR_RLPX_MAC' })]);
  });

  test.each(['initiator', 'recipient'] as const)(
    'H11: cut at every byte of handshake and Hello, the connection of an %s ends once and leaves nothing',
    async (role) => {
      let at = 0;
      for (; at <= 2_000; at++) {
        const owner = new Owner();
        const peer = { sentBytes: 0 };
        const met =
          role === 'initiator'
            ? await meet(
                { dialler: owning('initiator', {}, owner), listener: cutAt('recipient', at, peer) },
                WHOLE,
              )
            : await meet(
                { dialler: cutAt('initiator', at, peer), listener: owning('recipient', {}, owner) },
                WHOLE,
              );
        await met.clock.advance(50);
        if (owner.calls.includes('greeted eth/69')) break;
        expect(`${at} ${(await gone(met.clock, owner)).code}`).toBe(`${at} EOF`);
        expect(peer.sentBytes).toBe(at);
      }
      expect(at).toBeGreaterThan(400); // so all of it was tried, up to the last byte of Hello
      expect(at).toBeLessThan(2_000);
    },
  );
});

const WHOLE = { pieces: 'whole' } as const;

/** A peer that greets, and whose connection breaks after so many bytes of its own. */
function cutAt(role: 'initiator' | 'recipient', limit: number, count: { sentBytes: number }) {
  return (socket: TcpSocket): ScriptedPeer => {
    const cutting = Object.assign(Object.create(socket) as TcpSocket, {
      attach: socket.attach.bind(socket),
      write: (chunks: readonly Uint8Array[]) => {
        const whole = Uint8Array.from(Buffer.concat([...chunks]));
        const part = whole.subarray(0, limit - count.sentBytes);
        count.sentBytes += part.length;
        socket.write([part]);
        if (count.sentBytes === limit) socket.end();
        return true;
      },
    });
    const peer = scripted(role)(cutting);
    peer.onKeys = () => peer.send(0, peer.hello());
    if (limit === 0) socket.end();
    else if (role === 'initiator') peer.write(peer.start());
    return peer;
  };
}

test('a peer that says nothing costs no timer and no memory of ours', async () => {
  const { clock, listener: owner } = await meet({ dialler: mute, listener: owning('recipient') });
  await clock.advance(1_000);
  expect(clock.pendingTimers).toBe(0); // how long it may be silent is for the owner to say
  expect(owner.calls).toEqual([]);
  owner.open.destroy();
  await gone(clock, owner);
});
