import { readFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { createNode, defineProtocol, type NodeOptions, type RlpxdNode } from '../../../src/index.js';
import type { CloseCause, Session, TypedChannel, TypedProtocol } from '../../../src/session/index.js';
import { until } from './geth.js';
import { LineProcess, text } from './lines.js';
import { built, demoChain } from './places.js';

interface Chat {
  readonly say: string;
}

/** A node of the library that speaks chat, and writes down what it hears. */
export interface ChatNode {
  readonly node: RlpxdNode;
  readonly enode: string;
  readonly channels: TypedChannel<Chat>[];
  readonly heard: string[];
  readonly causes: CloseCause[];
  /** The next session that opens, or the one that is open. */
  session(): Promise<Session>;
}

/** The protocol of examples/chat.mjs; the node listens on loopback and is closed after the test. */
export async function chatNode(
  options: Pick<NodeOptions, 'requireEth' | 'ethVersions'> = {},
): Promise<ChatNode> {
  const channels: TypedChannel<Chat>[] = [];
  const heard: string[] = [];
  const causes: CloseCause[] = [];
  const chat: TypedProtocol<Chat> = {
    ...{ name: 'chat', version: 1, length: 1 },
    messages: {
      say: {
        id: 0,
        maxBytes: 1_024,
        encode: (words) => new TextEncoder().encode(words),
        decode: (bytes) => new TextDecoder('utf-8', { fatal: true }).decode(bytes),
      },
    },
    onSession(_session, channel) {
      channels.push(channel);
      return { on: { say: (words) => void heard.push(words) } };
    },
  };
  const node = await createNode({
    ...options,
    chain: readFileSync(demoChain.genesis, 'utf8'),
    listen: { host: '127.0.0.1', port: 0 },
    protocols: [defineProtocol(chat)],
  });
  onTestFinished(() => node.close());
  node.on('session.ended', ({ cause }) => causes.push(cause));
  const enode = node.enode;
  if (enode === undefined) throw new Error('the node does not listen');
  const session = (): Promise<Session> => until('a session', async () => node.sessions.active()[0]);
  return { node, enode, channels, heard, causes, session };
}

/** A peer of Go that speaks chat and nothing else. */
export interface ChatPeer {
  readonly process: LineProcess;
  readonly enode: string;
  readonly id: string;
}

export async function startChatPeer(dial?: string): Promise<ChatPeer> {
  const args = dial === undefined ? [] : ['-dial', dial];
  const process = new LineProcess('chatpeer', built('chatpeer'), args, { json: 'stdout' });
  const ready = await process.line({ event: 'ready' });
  return { process, enode: text(ready, 'enode'), id: text(ready, 'id') };
}

/** Says something, or whatever else goes as a message of chat, to all peers of a Go program. */
export async function say(
  { process }: { readonly process: LineProcess },
  words: string,
  count = 1,
): Promise<void> {
  const since = process.mark();
  process.send({ op: 'say', words, count });
  const { error } = await process.line({ event: 'result', op: 'say' }, { since });
  if (error !== undefined) throw new Error(String(error));
}
