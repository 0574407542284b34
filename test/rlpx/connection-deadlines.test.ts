import { describe, expect, test } from 'vitest';
import { snappyCompress } from '../../src/codec/index.js';
import { MAX_FRAME_BYTES } from '../../src/rlpx/index.js';
import { seededRandom } from '../../src/runtime/index.js';
import { bytes } from '../support/crypto-values.js';
import { accepted, openPair, type ScriptedPeer } from '../support/rlpx-connections.js';

const EMPTY = bytes('0100c0');

/** Sends the rest of a frame a byte at a time, for a while. */
async function drip(
  clock: { advance(ms: number): Promise<void> },
  peer: ScriptedPeer,
  frame: Uint8Array,
  everyMs: number,
  forMs: number,
) {
  let at = 32;
  for (let ms = 0; ms < forMs && at < frame.length; ms += everyMs) {
    peer.write(frame.subarray(at, ++at));
    await clock.advance(everyMs);
  }
}

describe('a frame has a deadline', () => {
  test('F15: 30 s and its size at 16 KiB/s, which bytes that trickle in never extend', async () => {
    const { clock, peer, owner } = await accepted();
    const frame = peer.frame(16, new Uint8Array(1_024 * 1_024 - 1)); // 1 MiB with its id
    const startedMs = clock.now();
    peer.write(frame.subarray(0, 32));
    const dueMs = 30_000 + 64_000 + 3; // and 48 bytes of header, MACs
    await drip(clock, peer, frame, 5_000, 85_000);
    expect(owner.open.stage).toBe('open');
    await clock.run(startedMs + dueMs - 1);
    expect(owner.open.stage).toBe('open');
    await clock.run(startedMs + dueMs + 5);
    expect(owner.end).toEqual({
      by: 'local',
      code: 'ERR_RLPX_FRAME_DEADLINE',
      sent: 11,
      says: 'the frame was not whole within its deadline',
    });
    await clock.advance(3_000);
    expect(clock.pendingTimers).toBe(0);
  });

  test('F15: a header that is never finished', async () => {
    const { clock, peer, owner } = await accepted();
    peer.write(peer.frame(16, EMPTY).subarray(0, 1));
    await clock.advance(29_990);
    expect(owner.open.stage).toBe('open');
    await clock.advance(20);
    expect(owner.end?.code).toBe('ERR_RLPX_FRAME_DEADLINE');
  });

  test('F15: frames that are whole keep the connection, however slowly they follow each other', async () => {
    const { clock, peer, owner } = await accepted();
    for (let i = 0; i < 12; i++) {
      const frame = peer.frame(16, EMPTY);
      peer.write(frame.subarray(0, 20));
      await clock.advance(28_000);
      peer.write(frame.subarray(20));
      await clock.advance(5_000);
    }
    expect(owner.open.stage).toBe('open');
    expect(owner.messages).toHaveLength(12);
  });

  test('F15: the small frame after a large one has its own, shorter deadline', async () => {
    const { clock, peer, owner } = await accepted();
    const large = peer.frame(16, snappyCompress(seededRandom('large').bytes(2_000_000)));
    peer.write(large.subarray(0, 100));
    await clock.advance(1_000);
    peer.write(large.subarray(100));
    await clock.advance(1_000);
    expect(owner.messages).toHaveLength(1);
    peer.write(peer.frame(16, EMPTY).subarray(0, 40));
    await clock.advance(30_100);
    expect(owner.end?.code).toBe('ERR_RLPX_FRAME_DEADLINE');
  });

  test('a deadline does not run while it is we who do not read', async () => {
    const { clock, peer, owner } = await accepted();
    const frame = peer.frame(16, EMPTY);
    peer.write(frame.subarray(0, 40));
    await clock.advance(10);
    owner.open.pause();
    peer.write(frame.subarray(40));
    await clock.advance(100_000);
    expect(owner.open.stage).toBe('open');
    owner.open.resume();
    await clock.advance(10);
    expect(owner.messages).toHaveLength(1);
  });

  test('a frame that was half there before a pause has a deadline again after it', async () => {
    const { clock, peer, owner } = await accepted();
    peer.write(peer.frame(16, EMPTY).subarray(0, 40));
    await clock.advance(10);
    owner.open.pause();
    await clock.advance(100_000);
    owner.open.resume();
    await clock.advance(29_900);
    expect(owner.open.stage).toBe('open');
    await clock.advance(200);
    expect(owner.end?.code).toBe('ERR_RLPX_FRAME_DEADLINE');
  });

  test('timers are not made per frame', async () => {
    const { clock, peer } = await accepted();
    for (let i = 0; i < 200; i++) {
      const frame = peer.frame(16, EMPTY);
      peer.write(frame.subarray(0, 33));
      await clock.advance(3);
      peer.write(frame.subarray(33));
      await clock.advance(3);
    }
    expect(clock.pendingTimers).toBeLessThanOrEqual(2); // this one, and the one that watches writes
  });
});

describe('writing must make progress', () => {
  test('a peer that takes nothing for 20 s is given up, without a Disconnect', async () => {
    const { clock, dialler, listener } = await openPair();
    listener.open.pause();
    for (let i = 0; i < 4; i++) dialler.open.send(dialler.eth, 0, seededRandom(i).bytes(100_000));
    await clock.advance(20_000);
    expect(dialler.open.stage).toBe('open');
    await clock.advance(5_100);
    expect(dialler.end).toEqual({
      by: 'transport',
      code: 'WRITE_STALL',
      says: 'the peer takes no bytes any more',
    });
    expect(dialler.calls.at(-1)).toBe('released');
    expect(dialler.open.backlogBytes).toBe(0);
  });

  test('a slow peer is not', async () => {
    const { clock, dialler, listener } = await openPair(
      {},
      { link: { latencyMs: 1, bytesPerSecond: 20_000 } },
    );
    await clock.advance(2_000);
    expect(dialler.open.stage).toBe('open');
    for (let i = 0; i < 10; i++) dialler.open.send(dialler.eth, 0, seededRandom(i).bytes(100_000));
    await clock.advance(60_000);
    expect(dialler.open.stage).toBe('open');
    expect(listener.messages).toHaveLength(10);
  });
});

describe('limits', () => {
  test('are options, each with its default', async () => {
    const { clock, peer, owner } = await accepted({
      options: { limits: { frameDeadlineMs: 100, maxMessageBytes: 5 } },
    });
    peer.send(16, snappyCompress(new Uint8Array(5)));
    await clock.advance(10);
    expect(owner.messages).toHaveLength(1);
    peer.send(16, snappyCompress(new Uint8Array(6)));
    await clock.advance(10);
    expect([owner.end?.code, owner.end?.sent]).toEqual(['ERR_RLPX_MESSAGE_SIZE', 2]);
    const other = await accepted({ options: { limits: { maxFrameBytes: 100 } } });
    other.peer.send(16, new Uint8Array(100));
    await other.clock.advance(10);
    expect(other.owner.end?.code).toBe('ERR_RLPX_FRAME_SIZE');
    expect(MAX_FRAME_BYTES).toBe(2 ** 24 - 1);
  });
});
