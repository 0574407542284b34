import { describe, expect, test } from 'vitest';
import { type EthVersion, ethProtocol, type NewPooledTransactionHashes } from '../../src/eth/index.js';
import { packMessage, type SharedCapability } from '../../src/rlpx/index.js';
import { VirtualClock } from '../../src/runtime/simulated/clock.js';
import { MAX_MERGED_HASHES } from '../../src/session/announcements.js';
import type { Outbound } from '../../src/session/lane.js';
import { Outgoing } from '../../src/session/outgoing.js';
import { ETH_CAPABILITY, hash } from '../support/session-values.js';

function announcement(first: number, count = 1, mask?: Uint8Array): NewPooledTransactionHashes {
  return {
    name: 'NewPooledTransactionHashes',
    types: new Uint8Array(count).fill(2),
    sizes: Array.from({ length: count }, (_, i) => 100 + first + i),
    hashes: Array.from({ length: count }, (_, i) => hash((first + i) % 256)),
    ...(mask === undefined ? {} : { mask }),
  };
}

/** Lanes whose sink decodes what leaves. */
function lanes(version: EthVersion = 69) {
  const protocol = ethProtocol(version);
  const spec = protocol.byName.get('NewPooledTransactionHashes');
  if (spec === undefined) throw new Error('no spec');
  const left: NewPooledTransactionHashes[] = [];
  const others: number[] = [];
  const dropped: Outbound[] = [];
  const sink = {
    open: true,
    packed: 0,
    send(_capability: SharedCapability, id: number, payload: Uint8Array): boolean {
      if (id === spec.id) left.push(spec.decode(payload) as NewPooledTransactionHashes);
      else others.push(id);
      return sink.open;
    },
    sendPacked(capability: SharedCapability, message: { id: number; plain: Uint8Array }): boolean {
      sink.packed++;
      return sink.send(capability, message.id, message.plain);
    },
  };
  const out = new Outgoing(sink, ETH_CAPABILITY, new VirtualClock(), {
    encode: (message) => spec.encode(message),
    dropped: (message) => dropped.push(message),
  });
  const announce = (message: NewPooledTransactionHashes) =>
    out.broadcast(packMessage(spec.id, spec.encode(message)), message.hashes.length, {
      announcement: message,
      hashes: message.hashes,
    });
  const transactions = (): void => {
    out.broadcast(packMessage(2, Uint8Array.of(0xc0)), 1);
  };
  const block = (): void => {
    sink.open = false;
    out.request(3, Uint8Array.of(0xc0));
  };
  const unblock = (): void => {
    sink.open = true;
    out.drained();
  };
  return { out, sink, left, others, dropped, announce, transactions, block, unblock };
}

describe('002.10: announcements', () => {
  test('leave one by one, as they were packed, while the peer reads', () => {
    const { announce, left, sink } = lanes();
    expect(announce(announcement(1))).toEqual({ outcome: 'sent', dropped: 0 });
    announce(announcement(2));
    expect(left.map(({ hashes }) => hashes.length)).toEqual([1, 1]);
    expect(sink.packed).toBe(2);
  });

  test('that wait leave in one message, in their order, transactions between them after it', () => {
    const { announce, transactions, block, unblock, left, others, out } = lanes();
    block();
    expect(announce(announcement(1, 2))).toEqual({ outcome: 'queued', dropped: 0 });
    transactions();
    announce(announcement(3));
    announce(announcement(4, 3));
    unblock();
    expect(left).toEqual([announcement(1, 6)]);
    expect(others).toEqual([3, 2]);
    expect(out.broadcasts).toEqual({ items: 0, bytes: 0 });
  });

  test('alone in the lane are not encoded again', () => {
    const { announce, block, unblock, left, sink } = lanes();
    block();
    announce(announcement(1));
    unblock();
    expect(left).toHaveLength(1);
    expect(sink.packed).toBe(1);
  });

  test('of two masks do not mix (eth/72)', () => {
    const mask = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);
    const { announce, block, unblock, left } = lanes(72);
    block();
    announce(announcement(1, 1, mask(1)));
    announce(announcement(2, 1, mask(2)));
    announce(announcement(3, 1, mask(1)));
    unblock();
    expect(left.map(({ sizes, mask }) => [sizes, mask?.[0]])).toEqual([
      [[101, 103], 1],
      [[102], 2],
    ]);
  });

  test('come to no more than 4,096 hashes in one message, and the oldest make way', () => {
    const { announce, block, unblock, left, dropped, out } = lanes();
    block();
    for (let i = 0; i < 5; i++) announce(announcement(i, 1_000));
    expect(dropped.map(({ items }) => items)).toEqual([1_000]);
    expect(out.broadcastsDropped).toBe(1);
    unblock();
    expect(left.map(({ hashes }) => hashes.length)).toEqual([4_000]);
    expect(left[0]?.sizes[0]).toBe(101);
    expect(MAX_MERGED_HASHES).toBe(4_096);
  });
});
