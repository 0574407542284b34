import { describe, expect, test } from 'vitest';
import type { PackedMessage } from '../../src/rlpx/index.js';
import { VirtualClock } from '../../src/runtime/simulated/clock.js';
import { Outgoing, REQUEST_LANE, SATELLITE_LANE } from '../../src/session/outgoing.js';
import { ETH_CAPABILITY, recordingSink } from '../support/session-values.js';

function lanes() {
  const sink = recordingSink();
  const clock = new VirtualClock();
  return { sink, clock, out: new Outgoing(sink, ETH_CAPABILITY, clock) };
}

const packed = (id: number, bytes: number): PackedMessage => {
  const plain = new Uint8Array(bytes);
  return { id, plainBytes: bytes, plain, body: plain };
};
const bytes = (count: number): Uint8Array => new Uint8Array(count);

describe('outgoing messages', () => {
  test('wait nowhere while the peer reads', () => {
    const { out, sink } = lanes();
    out.broadcast(packed(8, 10), 1);
    out.respond(4, bytes(20));
    out.request(3, bytes(30));
    out.announceRange(17, bytes(40));
    expect(sink.sent.map(({ id }) => id)).toEqual([8, 4, 3, 17]);
    expect(out.responses).toEqual({ items: 0, bytes: 0 });
  });

  test('are copied where they have to wait in memory that is lent', () => {
    const sent: Uint8Array[] = [];
    let open = false;
    const sink = {
      send: (_eth: unknown, _id: number, payload: Uint8Array): boolean => {
        sent.push(payload.slice());
        return open;
      },
      sendPacked: () => open,
    };
    const out = new Outgoing(sink, ETH_CAPABILITY, new VirtualClock());
    const memory = Uint8Array.of(1);
    const respond = (): void => {
      out.respond(4, memory, true);
      memory[0] = 1 + (memory[0] ?? 0);
    };
    respond(); // leaves, and from then on the peer does not read
    respond();
    respond();
    expect(out.responses).toEqual({ items: 2, bytes: 2 });
    expect(sent).toHaveLength(1);
    open = true;
    out.drained();
    expect(sent).toEqual([Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)]);
  });

  test('leave by lane once the peer reads again: answers, requests, the range, broadcasts', () => {
    const { out, sink } = lanes();
    sink.open = false;
    out.request(3, bytes(1));
    expect(out.blocked).toBe(true);
    out.broadcast(packed(8, 10), 1);
    out.announceRange(17, bytes(1));
    out.request(5, bytes(1));
    out.respond(4, bytes(1));
    expect(sink.sent.map(({ id }) => id)).toEqual([3]);
    sink.open = true;
    out.drained();
    expect(sink.sent.map(({ id }) => id)).toEqual([3, 4, 5, 17, 8]);
  });

  test('only the latest range waits', () => {
    const { out, sink } = lanes();
    sink.open = false;
    out.request(3, bytes(1));
    for (let size = 1; size <= 5; size++) out.announceRange(17, bytes(size));
    expect(out.range).toEqual({ items: 1, bytes: 5 });
    sink.open = true;
    out.drained();
    expect(sink.sent.slice(1)).toEqual([{ id: 17, bytes: 5 }]);
  });

  test('one message goes through each time the peer says wait at once', () => {
    const { out, sink } = lanes();
    sink.open = false;
    for (let i = 0; i < 5; i++) out.request(3, bytes(1));
    expect(sink.sent).toHaveLength(1);
    out.drained();
    expect(sink.sent).toHaveLength(2);
    expect(out.requests).toEqual({ items: 3, bytes: 3 });
  });

  test('the request lane takes 256 or 1 MiB, then says so to the caller', () => {
    const { out, sink } = lanes();
    sink.open = false;
    out.request(3, bytes(1));
    for (let i = 0; i < REQUEST_LANE.maxItems; i++) expect(out.request(3, bytes(1))).toBeDefined();
    expect(out.request(3, bytes(1))).toBeUndefined();
    const other = lanes();
    other.sink.open = false;
    other.out.request(3, bytes(1));
    expect(other.out.request(3, bytes(REQUEST_LANE.maxBytes))).toBeDefined();
    expect(other.out.request(3, bytes(1))).toBeUndefined();
  });

  test('a request can be withdrawn until it has left', () => {
    const { out, sink, clock } = lanes();
    sink.open = false;
    const first = out.request(3, bytes(1));
    const second = out.request(5, bytes(1));
    expect(first?.sentAtMs).toBe(clock.now());
    expect(second?.sentAtMs).toBeUndefined();
    if (second !== undefined) out.withdraw(second);
    sink.open = true;
    out.drained();
    expect(sink.sent.map(({ id }) => id)).toEqual([3]);
  });

  test('of broadcasts the oldest make way, by items and by bytes, and are counted', () => {
    const { out, sink } = lanes();
    sink.open = false;
    out.request(3, bytes(1));
    for (let i = 0; i < 5; i++) out.broadcast(packed(8, 100 + i), 1_000);
    expect(out.broadcasts).toEqual({ items: 4_000, bytes: 101 + 102 + 103 + 104 });
    expect(out.broadcastsDropped).toBe(1);
    out.broadcast(packed(8, 4 * 1024 * 1024), 1);
    expect(out.broadcasts).toEqual({ items: 1, bytes: 4 * 1024 * 1024 });
    expect(out.broadcastsDropped).toBe(5);
  });

  test('there is room for four answers, those being worked on included, and for none once 8 MiB wait', () => {
    const { out, sink } = lanes();
    expect(out.hasRoomForResponse(3)).toBe(true);
    expect(out.hasRoomForResponse(4)).toBe(false);
    sink.open = false;
    out.request(3, bytes(1));
    out.respond(4, bytes(5 * 1024 * 1024));
    expect(out.hasRoomForResponse(0)).toBe(true);
    out.respond(4, bytes(3 * 1024 * 1024));
    expect(out.hasRoomForResponse(0)).toBe(false);
  });

  test('nothing leaves after the end', () => {
    const { out, sink } = lanes();
    sink.open = false;
    out.request(3, bytes(1));
    out.respond(4, bytes(1));
    out.clear();
    expect(out.responses.items).toBe(0);
    expect(sink.sent).toHaveLength(1);
  });

  test('002.6: answers that are worked on have their bytes reserved: never four beside what waits', () => {
    const { out, sink } = lanes();
    sink.open = false;
    out.request(3, bytes(1));
    out.respond(4, bytes(1));
    expect(out.hasRoomForResponse(2)).toBe(true);
    expect(out.hasRoomForResponse(3)).toBe(false); // 8 MiB are reserved, and one byte waits
    out.respond(4, bytes(4 * 1024 * 1024));
    expect(out.hasRoomForResponse(0)).toBe(true);
    expect(out.hasRoomForResponse(1)).toBe(false);
  });

  test('002.6: an answer larger than its reservation fits alone, or beside what leaves it room', () => {
    const { out, sink } = lanes();
    const MiB = 1024 * 1024;
    expect(out.fitsResponse(10 * MiB, 3)).toBe(true); // nothing waits
    sink.open = false;
    out.request(3, bytes(1));
    expect(out.fitsResponse(10 * MiB, 3)).toBe(true);
    out.respond(4, bytes(2 * MiB));
    expect(out.fitsResponse(2 * MiB, 2)).toBe(true);
    expect(out.fitsResponse(3 * MiB, 2)).toBe(false);
    expect(out.fitsResponse(6 * MiB, 0)).toBe(true);
    expect(out.fitsResponse(7 * MiB, 0)).toBe(false);
  });

  test('a request does not wait behind many of another kind', () => {
    const { out, sink } = lanes();
    sink.open = false;
    for (let i = 0; i < 100; i++) out.request(5, bytes(1));
    out.request(3, bytes(1));
    sink.open = true;
    out.drained();
    expect(sink.sent.findIndex(({ id }) => id === 3)).toBe(2);
  });

  test('002.9: protocols beside eth have a lane each, and take turns with one another and with broadcasts', () => {
    const { out, sink } = lanes();
    const chat = { name: 'chat', version: 1, length: 4, offset: 34 };
    const news = { name: 'news', version: 1, length: 4, offset: 38 };
    sink.open = false;
    out.request(3, bytes(1));
    for (let i = 0; i < SATELLITE_LANE.maxItems; i++) expect(out.satellite(chat, 0, bytes(1))).toBe('queued');
    expect(out.satellite(chat, 0, bytes(1))).toBeUndefined();
    expect(out.satellite(news, 1, packed(1, 5))).toBe('queued');
    out.broadcast(packed(8, 10), 1);
    out.respond(4, bytes(1));
    expect(out.satelliteGauge(chat)).toEqual({ items: 256, bytes: 256 });
    expect(out.satellites).toEqual({ items: 257, bytes: 261 });
    sink.open = true;
    out.drained();
    expect(sink.sent.slice(1, 6).map(({ id }) => id)).toEqual([4, 0, 8, 1, 0]);
    expect(out.satellite(chat, 0, bytes(1))).toBe('sent');
  });

  test('002.9: who was told that its lane is full is called once it is empty, and only then', () => {
    const sink = recordingSink();
    const called: string[] = [];
    const out = new Outgoing(sink, ETH_CAPABILITY, new VirtualClock(), {
      room: ({ name }) => called.push(name),
    });
    const chat = { name: 'chat', version: 1, length: 4, offset: 34 };
    sink.open = false;
    out.satellite(chat, 0, bytes(1));
    while (out.satellite(chat, 0, bytes(1)) !== undefined);
    out.drained();
    expect(called).toEqual([]);
    sink.open = true;
    out.drained();
    out.drained();
    expect(called).toEqual(['chat']);
  });
});
