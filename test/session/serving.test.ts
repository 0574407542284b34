import { describe, expect, test } from 'vitest';
import { encodeBytes, encodeList } from '../../src/codec/index.js';
import {
  type EthRequest,
  type EthResponse,
  type EthVersion,
  ethProtocol,
  type MessageSpec,
} from '../../src/eth/index.js';
import { VirtualClock } from '../../src/runtime/simulated/clock.js';
import { AnswerMemory } from '../../src/session/answer-memory.js';
import { deferred } from '../../src/session/deferred.js';
import { Outgoing } from '../../src/session/outgoing.js';
import { MAX_EXCESS_BYTES, MAX_PARKED, Serving } from '../../src/session/serving.js';
import { ANSWER_BYTES_PER_TURN, Turns } from '../../src/session/turn-budget.js';
import { ETH_CAPABILITY, hash, recordingLogger } from '../support/session-values.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function server(version: EthVersion = 69) {
  const protocol = ethProtocol(version);
  const answers: { name: string; requestId: bigint; items: number }[] = [];
  const sink = {
    open: true,
    send(_eth: unknown, id: number, payload: Uint8Array): boolean {
      const message = protocol.byId[id]?.decode(payload) as EthResponse;
      const items = Object.values(message).find(Array.isArray)?.length ?? 0;
      answers.push({ name: message.name, requestId: message.requestId, items });
      return sink.open;
    },
    sendPacked: (): boolean => sink.open,
  };
  const clock = new VirtualClock();
  const outgoing = new Outgoing(sink, ETH_CAPABILITY, clock);
  const memory = new AnswerMemory();
  const logger = recordingLogger();
  const faults: unknown[] = [];
  const reads: boolean[] = [];
  const state = { over: false };
  const asked: {
    request: EthRequest;
    answer: (response?: EthResponse) => void;
    fail: (error: Error) => void;
  }[] = [];
  const serving = new Serving({
    ...{ protocol, outgoing, clock, memory, turns: new Turns(clock), logger, sessionId: 's1' },
    handle: (request) => {
      const { promise, resolve, reject } = deferred<EthResponse | undefined>();
      asked.push({ request, answer: resolve, fail: reject });
      return promise;
    },
    accepted: () => undefined,
    answered: () => undefined,
    idle: () => undefined,
    faulty: (error) => faults.push(error),
    readRequests: (go) => reads.push(go),
    isOver: () => state.over,
  });
  const spec = protocol.byName.get('GetBlockBodies') as MessageSpec;
  const take = (id: number, hashes = 1): void =>
    serving.take(
      spec,
      spec.encode({ name: 'GetBlockBodies', requestId: BigInt(id), hashes: new Array(hashes).fill(hash(1)) }),
    );
  const body = Uint8Array.of(0xc2, 0xc0, 0xc0);
  const bodiesFor = (index: number, bodies: readonly Uint8Array[] = [body]): void =>
    asked[index]?.answer({ name: 'BlockBodies', requestId: 0n, bodies });
  const unblock = (): void => {
    sink.open = true;
    outgoing.drained();
    serving.roomAgain();
  };
  return {
    clock,
    state,
    answers,
    sink,
    outgoing,
    logger,
    faults,
    reads,
    asked,
    serving,
    take,
    bodiesFor,
    unblock,
    protocol,
  };
}

describe('serving requests', () => {
  test('answers under the id of the request, in the order in which answers are ready', async () => {
    const { take, bodiesFor, answers } = server();
    for (const id of [7, 0, 8]) take(id);
    bodiesFor(2);
    await turn();
    bodiesFor(0);
    bodiesFor(1);
    await turn();
    expect(answers.map(({ requestId }) => requestId)).toEqual([8n, 7n, 0n]);
    expect(answers.every(({ items }) => items === 1)).toBe(true);
  });

  test('P9: two requests with one id are both answered', async () => {
    const { take, bodiesFor, answers } = server();
    take(1234);
    take(1234);
    bodiesFor(0);
    bodiesFor(1);
    await turn();
    expect(answers.map(({ requestId }) => requestId)).toEqual([1234n, 1234n]);
  });

  test('small answers leave together, large ones each in a turn of its own', async () => {
    const { take, bodiesFor, answers, clock } = server();
    const large = encodeList([encodeBytes(new Uint8Array(ANSWER_BYTES_PER_TURN)), encodeList([])]);
    for (let id = 0; id < 4; id++) take(id);
    bodiesFor(0);
    bodiesFor(1, [large]);
    bodiesFor(2, [large]);
    bodiesFor(3);
    await turn();
    expect(answers.map(({ requestId }) => requestId)).toEqual([0n, 1n]);
    await clock.advance(1);
    expect(answers.map(({ requestId }) => requestId)).toEqual([0n, 1n, 2n, 3n]);
  });

  test('works on four at a time; the others have their turn as answers leave', async () => {
    const { take, bodiesFor, asked, serving, answers } = server();
    for (let id = 0; id < 10; id++) take(id);
    expect(asked).toHaveLength(4);
    expect(serving.parked.items).toBe(6);
    for (let i = 0; i < 10; i++) {
      bodiesFor(i);
      await turn();
    }
    expect(answers.map(({ requestId }) => requestId)).toEqual([0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n]);
    expect(serving.parked).toEqual({ items: 0, bytes: 0 });
    expect(serving.running).toBe(0);
  });

  test('answers empty at once what comes beyond 64 that wait, while the peer reads', async () => {
    const { take, answers, serving } = server();
    for (let id = 0; id < 4 + MAX_PARKED + 5; id++) take(id);
    expect(serving.parked.items).toBe(MAX_PARKED);
    expect(answers).toEqual(
      [68, 69, 70, 71, 72].map((id) => ({ name: 'BlockBodies', requestId: BigInt(id), items: 0 })),
    );
  });

  test('and what comes beyond 2 MiB that wait', () => {
    const { take, answers, serving } = server();
    for (let id = 0; id < 12; id++) take(id, 10_000);
    expect(serving.parked.items).toBe(6);
    expect(serving.parked.bytes).toBeLessThanOrEqual(2 * 1024 * 1024);
    expect(answers).toHaveLength(2);
  });

  test('parks 1 MiB more while the peer does not read, then stops reading, and answers all of it in the end', async () => {
    const { take, answers, serving, sink, asked, bodiesFor, reads, unblock } = server();
    take(0);
    sink.open = false;
    bodiesFor(0);
    await turn();
    let id = 1;
    while (!reads.includes(false)) take(id++);
    expect(asked).toHaveLength(1 + 4);
    const excess = serving.parked.bytes - MAX_PARKED * 256;
    expect(excess).toBe(MAX_EXCESS_BYTES);
    expect(answers).toHaveLength(1);
    unblock();
    expect(reads.at(-1)).toBe(true);
    for (let i = 1; i < asked.length || serving.running > 0; i++) {
      bodiesFor(i);
      await turn();
    }
    const ids = answers.map(({ requestId }) => Number(requestId)).sort((a, b) => a - b);
    expect(ids).toEqual(Array.from({ length: id }, (_, i) => i));
  });

  test('starts no more answers than the lane has room for', async () => {
    const { take, sink, asked, bodiesFor, outgoing, unblock, answers } = server();
    take(0);
    sink.open = false;
    bodiesFor(0);
    await turn();
    for (let id = 1; id <= 10; id++) take(id);
    expect(asked).toHaveLength(5);
    for (let i = 1; i <= 4; i++) bodiesFor(i);
    await turn();
    expect(outgoing.responses.items).toBe(4);
    expect(asked).toHaveLength(5);
    unblock();
    expect(answers).toHaveLength(5);
    expect(asked).toHaveLength(9);
  });

  test.each([
    [69, 'GetBlockHeaders', { query: { origin: 1n, amount: 1n, skip: 0n, reverse: false } }, 'BlockHeaders'],
    [69, 'GetReceipts', { hashes: [hash(1)] }, 'Receipts'],
    [70, 'GetReceipts', { hashes: [hash(1)] }, 'Receipts'],
    [69, 'GetPooledTransactions', { hashes: [hash(1)] }, 'PooledTransactions'],
    [71, 'GetBlockAccessLists', { hashes: [hash(1)] }, 'BlockAccessLists'],
    [72, 'GetCells', { hashes: [hash(1)], mask: new Uint8Array(16) }, 'Cells'],
  ] as const)('eth/%s %s: undefined is answered empty', async (version, name, fields, answer) => {
    const { serving, asked, answers, protocol } = server(version);
    const spec = protocol.byName.get(name);
    serving.take(
      spec as MessageSpec,
      (spec as MessageSpec).encode({ name, requestId: 5n, ...fields } as EthRequest),
    );
    asked[0]?.answer(undefined);
    await turn();
    expect(answers).toEqual([{ name: answer, requestId: 5n, items: 0 }]);
  });

  test('002.6: an answer too large to wait beside others is let go, and made again once they have left', async () => {
    const { clock, take, asked, answers, sink, outgoing, unblock, serving, faults, protocol } = server();
    // each large answer has a turn of its own
    const turns = (): Promise<void> => clock.advance(4);
    const MiB = 1024 * 1024;
    const block = (): void => {
      sink.open = false;
      const spec = protocol.byName.get('BlockBodies') as MessageSpec;
      outgoing.respond(spec.id, spec.encode({ name: 'BlockBodies', requestId: 99n, bodies: [] }));
    };
    block(); // from now on nothing leaves
    const large = (index: number, bytes: number): void =>
      asked[index]?.answer({
        name: 'BlockBodies',
        requestId: 0n,
        bodies: [encodeList([encodeBytes(new Uint8Array(bytes))])],
      });
    for (const id of [1, 2, 3, 4]) take(id);
    large(0, 4 * MiB); // alone in the lane, however large
    await turns();
    large(1, 5 * MiB);
    large(2, 1 * MiB);
    large(3, 9 * MiB);
    await turns();
    expect(outgoing.responses.items).toBe(2);
    expect(outgoing.responses.bytes).toBeLessThanOrEqual(8 * MiB);
    expect(serving.parked.items).toBe(2);
    take(5);
    expect(serving.parked.items).toBe(3);
    answers.length = 0;
    unblock();
    expect(answers.map(({ requestId }) => requestId)).toEqual([1n, 3n]);
    // one at a time, and nothing beside it
    expect(asked).toHaveLength(5);
    take(6);
    expect(asked).toHaveLength(5);
    block();
    large(4, 9 * MiB);
    await turns();
    expect(outgoing.responses.items).toBe(1);
    expect(asked).toHaveLength(5);
    unblock();
    large(5, 5 * MiB);
    await turns();
    for (const index of [6, 7]) large(index, 1);
    await turns();
    const ids = answers.map(({ requestId }) => requestId).filter((id) => id !== 99n);
    expect(ids).toEqual([1n, 3n, 4n, 2n, 5n, 6n]);
    expect(faults).toEqual([]);
    expect(serving.parked).toEqual({ items: 0, bytes: 0 });
    expect(serving.running).toBe(0);
  });

  test('a handler that fails, or answers something else, is logged and answered empty', async () => {
    const { take, asked, answers, logger, faults } = server();
    for (const id of [1, 2, 3]) take(id);
    asked[0]?.fail(new Error('disk'));
    asked[1]?.answer({ name: 'BlockHeaders', requestId: 0n, headers: [] });
    asked[2]?.answer({ name: 'BlockBodies', requestId: 0n, bodies: [new Uint8Array(11 * 1024 * 1024)] });
    await turn();
    expect(answers.map(({ name, items }) => [name, items])).toEqual(Array(3).fill(['BlockBodies', 0]));
    expect(logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(3);
    expect(faults).toEqual([]);
  });

  test('a parked request that cannot be read is told when its turn comes', async () => {
    const { take, serving, protocol, bodiesFor, faults } = server();
    for (let id = 0; id < 4; id++) take(id);
    const spec = protocol.byName.get('GetBlockBodies') as MessageSpec;
    serving.take(spec, Uint8Array.of(0xc1, 0x01));
    expect(faults).toEqual([]);
    bodiesFor(0);
    await turn();
    expect(faults).toMatchObject([{ code: 'ERR_ETH_DECODE' }]);
    expect(() => server().serving.take(spec, Uint8Array.of(0xc1, 0x01))).toThrowError(
      expect.objectContaining({ code: 'ERR_ETH_DECODE' }),
    );
  });

  test('answers that get done after the end go nowhere, and nothing waits', async () => {
    const { take, bodiesFor, answers, serving, logger, asked, state } = server();
    for (let id = 0; id < 10; id++) take(id);
    state.over = true;
    serving.end();
    bodiesFor(0);
    asked[1]?.fail(new Error('aborted'));
    await turn();
    expect(answers).toEqual([]);
    expect(asked).toHaveLength(4);
    expect(serving.parked).toEqual({ items: 0, bytes: 0 });
    expect(logger.lines).toEqual([]);
  });
});
