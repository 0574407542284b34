import { describe, expect, test } from 'vitest';
import { defineProtocol, type NodeOptions, type RlpxdNode, type Session } from '../../src/index.js';
import { logNode } from '../../src/node/index.js';
import type { SatelliteProtocol } from '../../src/session/index.js';
import { demo, Internet, settled } from '../support/node-worlds.js';
import { recordingLogger } from '../support/session-values.js';

interface Chat {
  readonly say: string;
}

function chat(heard: string[], options: Partial<SatelliteProtocol> = {}): SatelliteProtocol {
  const typed = defineProtocol<Chat>({
    ...{ name: 'chat', version: 1, length: 1 },
    messages: {
      say: {
        id: 0,
        encode: (words) => new TextEncoder().encode(words),
        decode: (bytes) => new TextDecoder().decode(bytes),
      },
    },
    onSession: () => ({ on: { say: (words) => void heard.push(words) } }),
  });
  return { ...typed, ...options };
}

async function meet(
  internet: Internet,
  from: RlpxdNode,
  to: RlpxdNode,
): Promise<readonly [Session, Session]> {
  const there = await settled(internet.clock, from.dial(to.enode ?? '').active);
  await internet.clock.advance(100);
  const here = to.sessions.getByPeer(from.sessions.publicKey);
  if (here === undefined) throw new Error('no session');
  return [there, here];
}

const words = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('protocols of one’s own on a node', () => {
  test('are given to createNode, and spoken beside eth', async () => {
    const internet = new Internet();
    const heard: string[] = [];
    const [a, b] = [
      await internet.node({ protocols: [chat([])] }),
      await internet.node({ protocols: [chat(heard)] }),
    ];
    const [ab] = await meet(internet, a, b);
    expect(ab.eth.version).toBe(72);
    ab.capability('chat')?.send(0, words('hello'));
    await internet.clock.advance(100);
    expect(heard).toEqual(['hello']);
  });

  test('are registered later, and taken back: whoever connects then is offered them, and nobody after', async () => {
    const internet = new Internet();
    const speaker = async (): Promise<RlpxdNode> => internet.node({ protocols: [chat([])] });
    const node = await internet.node();
    const spoken: boolean[] = [];
    const visit = async (): Promise<Session> => {
      const [, here] = await meet(internet, await speaker(), node);
      spoken.push(here.capability('chat') !== undefined);
      return here;
    };
    await visit();
    const heard: string[] = [];
    const unregister = node.registerProtocol({
      ...{ name: 'chat', version: 1, length: 1 },
      onSession: () => ({ message: (_, payload) => void heard.push(`${payload.length}`) }),
    });
    const during = await visit();
    unregister();
    unregister();
    await visit();
    expect(spoken).toEqual([false, true, false]);
    expect(during.capability('chat')).toBeDefined(); // who speaks it goes on
  });

  test('take values where they say how these become bytes, by the types that they name', async () => {
    const internet = new Internet();
    const [a, b] = [await internet.node(), await internet.node()];
    const heard: number[] = [];
    for (const node of [a, b])
      node.registerProtocol<{ readonly next: number }>({
        ...{ name: 'count', version: 1, length: 1 },
        messages: {
          next: { id: 0, encode: (value) => Uint8Array.of(value), decode: ([value]) => value ?? 0 },
        },
        onSession: (_session, channel) => ({
          on: {
            next: (value) => {
              heard.push(value);
              if (value < 5) channel.send('next', value + 1);
            },
          },
        }),
      });
    const [ab] = await meet(internet, a, b);
    ab.capability('count')?.send(0, Uint8Array.of(1));
    await internet.clock.advance(1_000);
    expect(heard).toEqual([1, 2, 3, 4, 5]);
  });

  test('do without eth where the node does: the log says so, and nothing else minds', async () => {
    const internet = new Internet();
    const heard: string[] = [];
    const node = await internet.node({ protocols: [chat(heard)], requireEth: false });
    const logger = recordingLogger();
    const stop = logNode(node, logger, { statusEveryMs: 0 });
    // two nodes always share a version of eth, so the other one speaks none that this node does
    const other = await internet.node({ protocols: [chat([])], requireEth: false, ethVersions: [68] });
    const alone = await internet.node({ protocols: [chat([])], requireEth: false, ethVersions: [72] });
    const [session] = await meet(internet, other, alone);
    expect(session.capability('eth')).toBeUndefined();
    const [there] = await meet(internet, node, other);
    expect(there.eth.version).toBe(68);
    session.capability('chat')?.send(0, words('hello'));
    await internet.clock.advance(1_000);
    const quiet = recordingLogger();
    const stopQuiet = logNode(alone, quiet, { statusEveryMs: 0 });
    session.disconnect();
    await internet.clock.advance(3_000);
    const [, here] = await meet(internet, other, alone);
    expect(here.capability('eth')).toBeUndefined();
    const said = quiet.lines.find(({ fields }) => (fields as { event: string }).event === 'session.active');
    expect(said?.message).toContain(', without eth');
    expect(said?.fields).not.toHaveProperty('eth');
    expect(alone.status().peers.inbound).toBe(1);
    expect([...logger.lines, ...quiet.lines].filter(({ level }) => level === 'error')).toEqual([]);
    stop();
    stopQuiet();
  });

  test('are forbidden to strangers by a template', async () => {
    const internet = new Internet();
    const heard: string[] = [];
    const node = await internet.node({
      protocols: [chat(heard)],
      templates: { basic: { withoutProtocols: ['chat'] } },
    });
    const [stranger, here] = await meet(internet, await internet.node({ protocols: [chat([])] }), node);
    expect(here.capability('chat')).toBeUndefined();
    stranger.capability('chat')?.send(0, words('let me in'));
    const friend = await internet.node({ protocols: [chat([])] });
    node.addPeer(friend.enode ?? '');
    await internet.clock.advance(1_000);
    friend.sessions.active()[0]?.capability('chat')?.send(0, words('me again'));
    await internet.clock.advance(100);
    expect(heard).toEqual(['me again']);
  });

  test.each<[string, Pick<NodeOptions, 'protocols' | 'templates'>, string]>([
    ['a protocol that is none', { protocols: [chat([], { name: 'far too long' })] }, 'ERR_SESSION_ARGUMENT'],
    ['one twice', { protocols: [chat([]), chat([])] }, 'ERR_SESSION_ARGUMENT'],
    [
      'a template that is none',
      { templates: { basic: { withoutProtocols: ['eth'] } } },
      'ERR_SESSION_CONFIGURATION',
    ],
  ])('%s: no node, and nothing is left open', async (_, options, code) => {
    const internet = new Internet();
    const world = internet.world();
    const more = { world, datadir: '/data', listen: { host: world.host, port: 30303 } };
    await expect(internet.node({ ...more, ...options })).rejects.toMatchObject({ code });
    const node = await internet.node(more); // the store and the port are free
    expect(node.enode).toBeDefined();
    expect(internet.network.describeOpenSockets().length).toBe(0);
    expect(demo.genesis()).toContain('chainId');
  });
});
