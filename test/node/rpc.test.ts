import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { JsonSplitter, MAX_JSON_DEPTH } from '../../src/codec/index.js';
import {
  answerRpc,
  MAX_BATCH,
  RPC_ERROR,
  RpcError,
  type RpcMethod,
  type RpcMethods,
} from '../../src/node/rpc/json-rpc.js';
import { callRpc } from '../../src/node/rpc/rpc-client.js';
import { MAX_RPC_CONNECTIONS, MAX_RPC_MESSAGE_BYTES, RpcServer } from '../../src/node/rpc/rpc-server.js';
import {
  type IpcSocket,
  type SimulatedWorld,
  silentLogger,
  simulatedWorld,
} from '../../src/runtime/index.js';
import { demo, Internet, settled } from '../support/node-worlds.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);

describe('the splitter', () => {
  test('cuts values that follow each other, wherever the pieces end', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })),
            fc.array(fc.jsonValue({ maxDepth: 3 })),
          ),
        ),
        fc.constantFrom('', ' ', '\n\t'),
        fc.integer({ min: 1, max: 40 }),
        (values, space, size) => {
          const stream = bytes(values.map((value) => JSON.stringify(value)).join(space));
          const splitter = new JsonSplitter(1_000_000);
          const found: string[] = [];
          for (let at = 0; at < stream.length; at += size) {
            const chunk = stream.slice(at, at + size);
            const { values: whole, breach } = splitter.push(chunk);
            expect(breach).toBeUndefined();
            found.push(...whole.map(text));
            chunk.fill(0); // the piece was only lent
          }
          expect(found).toEqual(values.map((value) => JSON.stringify(value)));
          expect(splitter.isAmid).toBe(false);
        },
      ),
    );
  });

  test('a value is at most as long as agreed, in one piece or in many', () => {
    const fits = `["${'a'.repeat(96)}"]`;
    expect(fits).toHaveLength(100);
    expect(new JsonSplitter(100).push(bytes(fits)).values).toHaveLength(1);
    const longer = bytes(`["${'a'.repeat(97)}"]`);
    expect(new JsonSplitter(100).push(longer).breach).toBe('too long');
    const splitter = new JsonSplitter(100);
    const breaches = [...longer].map((byte) => splitter.push(Uint8Array.of(byte)).breach);
    expect(breaches.indexOf('too long')).toBe(100);
  });

  test('what is no value, or nested too deep, ends it; what came before is kept', () => {
    expect(new JsonSplitter(100).push(bytes('{} nonsense'))).toMatchObject({ breach: 'not JSON' });
    expect(new JsonSplitter(100).push(bytes('{} nonsense')).values).toHaveLength(1);
    const deep = '['.repeat(MAX_JSON_DEPTH) + ']'.repeat(MAX_JSON_DEPTH);
    expect(new JsonSplitter(100).push(bytes(deep)).breach).toBeUndefined();
    expect(new JsonSplitter(100).push(bytes(`[${deep}]`)).breach).toBe('too deep');
  });
});

const methods: RpcMethods = new Map<string, RpcMethod>([
  ['echo', (params) => params],
  [
    'refuse',
    () => {
      throw new RpcError(RPC_ERROR.refused, 'no');
    },
  ],
  [
    'break',
    () => {
      throw new Error('secret');
    },
  ],
  ['long', () => 'x'.repeat(9_000_000)],
]);

async function ask(request: string): Promise<unknown> {
  const answer = await answerRpc(bytes(request), methods, () => undefined);
  return answer === undefined ? undefined : JSON.parse(answer);
}

const failed = (id: unknown, code: number): object => ({ jsonrpc: '2.0', id, error: { code } });

describe('JSON-RPC', () => {
  test.each([
    [
      '{"jsonrpc":"2.0","id":1,"method":"echo","params":[1,"a"]}',
      { jsonrpc: '2.0', id: 1, result: [1, 'a'] },
    ],
    ['{"jsonrpc":"2.0","id":"x","method":"echo"}', { jsonrpc: '2.0', id: 'x', result: [] }],
    ['{"jsonrpc":"2.0","id":null,"method":"echo"}', { jsonrpc: '2.0', id: null, result: [] }],
    ['{nonsense}', failed(null, -32700)],
    ['[]', failed(null, -32600)],
    ['{"id":1,"method":"echo"}', failed(1, -32600)],
    ['{"jsonrpc":"2.0","id":{},"method":"echo"}', failed(null, -32600)],
    ['{"jsonrpc":"2.0","id":1,"method":7}', failed(1, -32600)],
    ['{"jsonrpc":"2.0","id":1,"method":"constructor"}', failed(1, -32601)],
    ['{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":1}}', failed(1, -32602)],
    ['{"jsonrpc":"2.0","id":1,"method":"refuse"}', failed(1, -32000)],
    ['{"jsonrpc":"2.0","id":1,"method":"break"}', failed(1, -32603)],
    ['{"jsonrpc":"2.0","id":1,"method":"long"}', failed(1, -32003)],
  ])('%s', async (request, answer) => {
    expect(await ask(request)).toMatchObject(answer);
  });

  test('a batch is answered as a list; notifications are not', async () => {
    const echo = (id: number): string => `{"jsonrpc":"2.0","id":${id},"method":"echo","params":[${id}]}`;
    const notification = '{"jsonrpc":"2.0","method":"echo"}';
    expect(await ask(`[${echo(1)},${notification},3,${echo(2)}]`)).toMatchObject([
      { id: 1, result: [1] },
      failed(null, -32600),
      { id: 2, result: [2] },
    ]);
    expect(await ask(notification)).toBeUndefined();
    expect(await ask(`[${notification}]`)).toBeUndefined();
    expect(
      await ask(
        `[${Array(MAX_BATCH + 1)
          .fill('1')
          .join(',')}]`,
      ),
    ).toMatchObject(failed(null, -32600));
  });

  test('what went wrong within is told to the log, and not to who asked', async () => {
    const heard: unknown[] = [];
    const request = bytes('{"jsonrpc":"2.0","id":1,"method":"break"}');
    const answer = await answerRpc(request, methods, (method, error) => heard.push(method, error));
    expect(answer).not.toContain('secret');
    expect(heard).toEqual(['break', new Error('secret')]);
  });
});

async function served(): Promise<{ readonly world: SimulatedWorld; readonly server: RpcServer }> {
  const world = simulatedWorld({ seed: 'rpc' });
  const { ipc, clock } = world;
  const server = new RpcServer({ ipc, clock, logger: silentLogger, methods });
  await clock.settle(server.listen('/a'));
  onTestFinished(async () => {
    await clock.settle(server.close());
    await clock.advance(1_000);
    expect(server.connections).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });
  return { world, server };
}

interface Talk {
  readonly socket: IpcSocket;
  heard: string;
  gone: boolean;
}

async function connect({ clock, ipc }: SimulatedWorld): Promise<Talk> {
  return clock.settle(
    (async () => {
      const socket = await ipc.connect('/a');
      const talk: Talk = { socket, heard: '', gone: false };
      socket.attach({
        data: (chunk) => {
          talk.heard += text(chunk);
        },
        drain: () => undefined,
        end: () => socket.end(),
        closed: () => {
          talk.gone = true;
        },
      });
      return talk;
    })(),
  );
}

describe('the server', () => {
  test('answers in order, and hears the next request on the same connection', async () => {
    const { world } = await served();
    const talk = await connect(world);
    for (const id of [1, 2, 3])
      talk.socket.write([bytes(`{"jsonrpc":"2.0","id":${id},"method":"echo","params":[]}`)]);
    await world.clock.advance(1_000);
    const ids = talk.heard.trim().split('\n');
    expect(ids.map((line) => JSON.parse(line).id)).toEqual([1, 2, 3]);
    expect(talk.gone).toBe(false);
  });

  test('bytes that are no request are told so, and end the connection', async () => {
    const { world } = await served();
    const talk = await connect(world);
    talk.socket.write([bytes('{"jsonrpc":"2.0","id":1,"method":"echo"} GET / HTTP/1.1\r\n')]);
    await world.clock.advance(1_000);
    const answers = talk.heard.trim().split('\n');
    expect(answers.map((line) => JSON.parse(line).error?.code)).toEqual([undefined, -32700]);
    expect(talk.gone).toBe(true);
  });

  test('a request longer than a megabyte is not kept', async () => {
    const { world } = await served();
    const talk = await connect(world);
    talk.socket.write([bytes(`["${'a'.repeat(MAX_RPC_MESSAGE_BYTES)}`)]);
    await world.clock.advance(5_000);
    expect(talk.heard).toContain('too long');
    await world.clock.advance(60_000);
    expect(talk.gone).toBe(true);
  });

  test('half a request, unread answers and silence end in time', async () => {
    const { world } = await served();
    const [half, deaf, silent] = [await connect(world), await connect(world), await connect(world)];
    half.socket.write([bytes('{"jsonrpc":')]);
    deaf.socket.pause();
    deaf.socket.write([
      bytes(`{"jsonrpc":"2.0","id":1,"method":"echo","params":["${'a'.repeat(900_000)}"]}`),
    ]);
    await world.clock.advance(120_000);
    deaf.socket.resume();
    await world.clock.advance(1_000);
    expect([half.gone, deaf.gone, silent.gone]).toEqual([true, true, false]);
    await world.clock.advance(600_000);
    expect(silent.gone).toBe(true);
  });

  test('holds so many connections and no more', async () => {
    const { world, server } = await served();
    const talks: Talk[] = [];
    for (let i = 0; i < MAX_RPC_CONNECTIONS + 2; i++) talks.push(await connect(world));
    await world.clock.advance(1_000);
    expect(server.connections).toBe(MAX_RPC_CONNECTIONS);
    expect(talks.filter(({ gone }) => gone)).toHaveLength(2);
    talks[0]?.socket.destroy();
    await world.clock.advance(1_000);
    expect((await connect(world)).gone).toBe(false);
  });

  test('whatever bytes come, it answers JSON or ends, and goes on with others', async () => {
    const { world } = await served();
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map(bytes),
      fc
        .constantFrom('{', '}', '[', ']', '"', '\\', '[{"jsonrpc":"2.0","id":1,"method":"echo"}]', '[[],[]]')
        .map(bytes),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const talk = await connect(world);
        for (const chunk of pieces) talk.socket.write([chunk]);
        await world.clock.advance(200);
        for (const line of talk.heard.split('\n').filter((one) => one !== '')) JSON.parse(line);
        talk.socket.destroy();
        const { ipc, clock } = world;
        const answer = callRpc({ ipc, clock, path: '/a', method: 'echo', params: [7] });
        expect(await clock.settle(answer)).toEqual([7]);
      }),
      { numRuns: 150 },
    );
  });
});

describe('the methods of a node', () => {
  test('tell of it and its peers as geth does, and act on them', async () => {
    const internet = new Internet();
    const world = internet.world();
    const node = await internet.node({ world, datadir: '/data' });
    const other = await internet.node();
    const call = (method: string, ...params: string[]): Promise<unknown> => {
      const { ipc, clock } = world;
      return settled(clock, callRpc({ ipc, clock, path: '/data/rlpxd.ipc', method, params }));
    };
    expect(await call('rpc_modules')).toEqual({ admin: '1.0', rlpxd: '1.0', rpc: '1.0', web3: '1.0' });
    expect(await call('web3_clientVersion')).toMatch(/^rlpxd\/v/);
    expect(await call('admin_nodeInfo')).toMatchObject({
      id: node.identity.id,
      enode: node.enode,
      ports: { listener: 30303 },
      listenAddr: `${world.host}:30303`,
      protocols: { eth: { network: Number(node.chain.networkId) } },
    });
    expect(await call('admin_addPeer', other.enode ?? '')).toBe(true);
    await internet.clock.advance(5_000);
    expect(await call('admin_peers')).toMatchObject([
      {
        id: other.identity.id,
        enode: other.enode,
        caps: expect.arrayContaining(['eth/69', 'eth/72']),
        network: { inbound: false, trusted: false, static: true },
        protocols: { eth: { version: 72, earliestBlock: 0, latestBlock: 0 } },
      },
    ]);
    await expect(call('admin_addPeer', 'enode://nobody')).rejects.toMatchObject({ code: -32000 });
    await expect(call('admin_peers', 'x')).rejects.toMatchObject({ code: -32602 });
    await expect(call('eth_blockNumber')).rejects.toMatchObject({ code: -32601 });
    await expect(call('rlpxd_disconnect', 's99')).rejects.toMatchObject({ code: -32000 });
    expect(await call('admin_removePeer', other.enode ?? '')).toBe(true);
    expect(await call('admin_peers')).toEqual([]);
    await internet.clock.advance(600_000);
    expect(node.status().peers).toEqual({ inbound: 0, outbound: 0, pending: 0 });
    await settled(internet.clock, node.close());
    await settled(internet.clock, other.close());
    expect(internet.clock.pendingTimers).toBe(0);
  });

  test('a node where another one answers is told that the datadir is in use', async () => {
    const internet = new Internet();
    const world = internet.world();
    const listener = await world.ipc.listen('/data/rlpxd.ipc', (socket) => socket.destroy());
    const options = { world, datadir: '/data', chain: demo.genesis() };
    await expect(internet.node(options)).rejects.toMatchObject({ code: 'ERR_CONFIG_DATADIR' });
    await listener.close();
    await settled(internet.clock, (await internet.node(options)).close());
  });
});
