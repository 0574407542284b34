import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ChatNode, chatNode, say, startChatPeer } from './support/chat.js';
import { idOf } from './support/daemon.js';
import { gethPeer, startGeth, until } from './support/geth.js';
import { LineProcess } from './support/lines.js';
import { demoChain, root } from './support/places.js';

/** Both say something, and hear it. */
async function talk(ours: ChatNode, theirs: { readonly process: LineProcess }): Promise<void> {
  const peer = idOf(ours.enode);
  await theirs.process.line({ event: 'chat.here', peer });
  for (const words of ['hello', 'ça va ?', 'x'.repeat(1_024)]) {
    expect(ours.channels.at(-1)?.send('say', words)).toBe('sent');
    await theirs.process.line({ event: 'chat.said', peer, words });
  }
  await say(theirs, 'hello yourself');
  await say(theirs, '…', 3_000);
  await until('3,001 messages', async () => ours.heard.length >= 3_001 || undefined);
  expect(ours.heard).toEqual(['hello yourself', ...new Array<string>(3_000).fill('…')]);
}

describe('chat beside eth, with a geth that has a p2p.Protocol for it', () => {
  test.each(['we dial', 'geth dials'])('%s: both speak both on one connection', async (who) => {
    const geth = await startGeth({ chain: demoChain, chat: true });
    const ours = await chatNode();
    if (who === 'we dial') ours.node.dial(geth.enode);
    else await geth.call('admin_addPeer', ours.enode);
    const session = await ours.session();
    expect(session.direction).toBe(who === 'we dial' ? 'outbound' : 'inbound');
    expect(session.capability('eth')?.version).toBe(72);
    expect(session.capability('chat')).toMatchObject({ name: 'chat', version: 1, length: 1 });
    const query = { origin: 0n, amount: 10, skip: 50n, reverse: false };
    const [headers] = await Promise.all([session.eth.getBlockHeaders(query), talk(ours, geth)]);
    expect(headers).toHaveLength(10);
    const seen = await gethPeer(geth, idOf(ours.enode));
    expect(seen.caps).toEqual(['chat/1', 'eth/68', 'eth/69', 'eth/70', 'eth/71', 'eth/72']);
    expect(seen.protocols).toMatchObject({ chat: 'unknown', eth: { version: 72 } });
  });

  test('the chat example, as it stands, chats with geth', async () => {
    const geth = await startGeth({ chain: demoChain, chat: true });
    const args = [join(root, 'examples', 'chat.mjs'), demoChain.genesis, geth.enode];
    const example = new LineProcess('chat.mjs', process.execPath, args, { json: 'stderr' });
    await geth.process.line({ event: 'chat.here' });
    await say(geth, 'who is there?');
    await until('what geth said', async () => example.text.includes('"who is there?"\n') || undefined);
    example.write('a line of the example\n');
    await geth.process.line({ event: 'chat.said', words: 'a line of the example' });
    expect(example.text).toMatch(/^enode:\/\/.*\n"geth\/.*" is here\n/i);
  });

  test('a geth without it: eth alone, through the same interface', async () => {
    const geth = await startGeth({ chain: demoChain });
    const ours = await chatNode();
    const session = await ours.node.dial(geth.enode).active;
    expect(session.capability('chat')).toBeUndefined();
    expect(session.capability('eth')?.version).toBe(72);
    expect(ours.channels).toEqual([]);
    expect(await session.ping()).toBeGreaterThan(0);
  });
});

describe('chat alone, with a p2p.Server that speaks nothing else', () => {
  test.each(['we dial', 'it dials'])('%s', async (who) => {
    const ours = await chatNode({ requireEth: false });
    const theirs = await startChatPeer(who === 'we dial' ? undefined : ours.enode);
    if (who === 'we dial') ours.node.dial(theirs.enode);
    const session = await ours.session();
    await talk(ours, theirs);
    expect(session.capability('eth')).toBeUndefined();
    await expect(session.eth.getBlockBodies([new Uint8Array(32)])).rejects.toMatchObject({
      code: 'ERR_SESSION_UNSUPPORTED',
    });
    expect(await session.ping()).toBeGreaterThan(0);
    await session.close();
    await theirs.process.line({ event: 'chat.gone', peer: idOf(ours.enode) });
  });

  test('where eth is required it is turned away as useless', async () => {
    const ours = await chatNode();
    const theirs = await startChatPeer(ours.enode);
    expect(await theirs.process.line({ event: 'peer.drop' })).toMatchObject({ error: 'useless peer' });
    expect(ours.causes).toMatchObject([{ outcome: 'cancelled', by: 'policy', code: 'ERR_SESSION_NO_ETH' }]);
    expect(ours.channels).toEqual([]);
  });

  test('a message that is too large is a breach, and geth reads so', async () => {
    const ours = await chatNode({ requireEth: false });
    const theirs = await startChatPeer(ours.enode);
    await ours.session();
    await theirs.process.line({ event: 'chat.here' });
    await say(theirs, 'x'.repeat(1_025));
    expect(await theirs.process.line({ event: 'peer.drop' })).toMatchObject({ error: 'breach of protocol' });
    expect(ours.causes).toMatchObject([{ by: 'local', reasonSent: 2, code: 'ERR_SESSION_MESSAGE_SIZE' }]);
    expect(ours.heard).toEqual([]);
  });
});
