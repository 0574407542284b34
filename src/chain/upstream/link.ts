import { JsonSplitter } from '../../codec/index.js';
import { publicUrl, RuntimeError, type World } from '../../runtime/index.js';

/** The part of the outside world that an upstream needs. */
export type UpstreamWorld = Pick<World, 'clock' | 'random' | 'web' | 'ipc'>;

/** What a link tells its one owner. */
export interface LinkHandlers {
  /** One JSON value, still as text. */
  message(text: Uint8Array): void;
  /** The link is gone; the last call. HTTP has no link that could be. */
  closed(says: string): void;
}

/** A way to a JSON-RPC server: texts go out, texts come in. */
export interface RpcLink {
  /** Whether the server can speak unasked: what subscriptions need. */
  readonly duplex: boolean;
  /** Resolves when the text is on its way; over HTTP when its answer was handed over. @throws RuntimeError */
  send(text: string, signal: AbortSignal): Promise<void>;
  close(): void;
}

export type LinkKind = 'http' | 'ws' | 'ipc';

/** @returns how such an upstream is spoken to; undefined where the text is neither a URL of http and ws nor an absolute path */
export function linkKind(url: string): LinkKind | undefined {
  if (url.startsWith('/')) return 'ipc';
  if (!URL.canParse(url)) return undefined;
  const { protocol } = new URL(url);
  if (protocol === 'http:' || protocol === 'https:') return 'http';
  return protocol === 'ws:' || protocol === 'wss:' ? 'ws' : undefined;
}

/** Whether a text can be the URL of an upstream. */
export function isUpstreamUrl(url: string): boolean {
  return linkKind(url) !== undefined;
}

/** The name of an upstream as it may stand in a log. */
export function upstreamName(url: string): string {
  return linkKind(url) === 'ipc' ? url : publicUrl(url);
}

export interface LinkOptions {
  readonly handlers: LinkHandlers;
  readonly world: UpstreamWorld;
  /** Of one answer, or batch of answers. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** @throws RuntimeError ERR_RUNTIME_WEB, ERR_RUNTIME_CONNECT, ERR_RUNTIME_ABORTED */
export async function openLink(url: string, options: LinkOptions): Promise<RpcLink> {
  switch (linkKind(url)) {
    case 'http':
      return httpLink(url, options);
    case 'ws':
      return webSocketLink(url, options);
    default:
      return ipcLink(url, options);
  }
}

function httpLink(url: string, { handlers, world, maxBytes }: LinkOptions): RpcLink {
  return {
    duplex: false,
    send: async (text, signal) => handlers.message(await world.web.post(url, text, { maxBytes, signal })),
    close: () => undefined,
  };
}

async function webSocketLink(url: string, options: LinkOptions): Promise<RpcLink> {
  const { handlers, world, maxBytes, signal } = options;
  const socket = await world.web.open(url, handlers, { maxBytes, signal });
  return { duplex: true, send: async (text) => socket.send(text), close: () => socket.close() };
}

async function ipcLink(path: string, { handlers, world, maxBytes, signal }: LinkOptions): Promise<RpcLink> {
  const socket = await world.ipc.connect(path);
  if (signal.aborted) {
    socket.destroy();
    throw new RuntimeError('ERR_RUNTIME_ABORTED', `${path}: called off`);
  }
  const splitter = new JsonSplitter(maxBytes);
  let says = 'the socket was closed';
  socket.attach({
    data: (chunk) => {
      const { values, breach } = splitter.push(chunk);
      for (const value of values) handlers.message(value);
      if (breach === undefined) return;
      says = `what came is ${breach}`;
      socket.destroy();
    },
    drain: () => undefined,
    end: () => socket.destroy(),
    closed: (error) => handlers.closed(error ?? says),
  });
  return {
    duplex: true,
    send: async (text) => {
      socket.write([new TextEncoder().encode(text)]);
    },
    close: () => socket.destroy(),
  };
}
