import { RuntimeError } from '../errors.js';
import type { Web, WebLink, WebPostOptions, WebSocketHandlers, WebSocketOptions } from '../web.js';
import type { VirtualClock } from './clock.js';

/** A WebSocket as its server sees it. */
export interface SimulatedWebPeer {
  /** Sends a message to who opened the socket. */
  send(text: string): void;
  close(): void;
}

/** What a simulated server does. */
export interface SimulatedWebServer {
  /** Answers a post with a status of 200; a rejection is another status. Never settled: no answer. */
  post?(body: string): Promise<string>;
  /** Takes a WebSocket. @returns what is told of its messages and of its end */
  open?(peer: SimulatedWebPeer): { message(text: string): void; closed(): void };
}

/** One way, in milliseconds of the virtual clock. */
const LATENCY_MS = 1;

/** Servers in memory, by their URLs. */
export class SimulatedWeb implements Web {
  readonly #clock: VirtualClock;
  readonly #servers = new Map<string, SimulatedWebServer>();
  readonly #sockets = new Map<string, Set<() => void>>();

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  /** What stands at a URL from now on; undefined: nothing, and its sockets are cut. */
  serve(url: string, server: SimulatedWebServer | undefined): void {
    if (server !== undefined) {
      this.#servers.set(url, server);
      return;
    }
    this.#servers.delete(url);
    for (const cut of [...(this.#sockets.get(url) ?? [])]) cut();
  }

  post(url: string, body: string, { maxBytes, signal }: WebPostOptions): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(calledOff(url, signal));
      if (signal?.aborted === true) return onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      const fail = (says: string, detail?: string): void => reject(failed(url, says, detail));
      this.#later(() => {
        const post = this.#servers.get(url)?.post;
        if (post === undefined) return fail('connect ECONNREFUSED', 'ECONNREFUSED');
        const answered = (then: () => void): void => {
          this.#later(() => {
            signal?.removeEventListener('abort', onAbort);
            if (this.#servers.get(url)?.post === post) then();
            else fail('the answer was broken off', 'ECONNRESET');
          });
        };
        post(body).then(
          (text) => {
            const bytes = new TextEncoder().encode(text);
            answered(() =>
              bytes.length > maxBytes ? fail(`the answer is longer than ${maxBytes} bytes`) : resolve(bytes),
            );
          },
          (error: unknown) => answered(() => fail(String(error))),
        );
      });
    });
  }

  open(url: string, handlers: WebSocketHandlers, { maxBytes, signal }: WebSocketOptions): Promise<WebLink> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(calledOff(url, signal));
      this.#later(() => {
        const open = this.#servers.get(url)?.open;
        if (signal?.aborted === true) reject(calledOff(url, signal));
        else if (open === undefined) reject(failed(url, 'connect ECONNREFUSED', 'ECONNREFUSED'));
        else resolve(this.#opened(url, open, handlers, maxBytes));
      });
    });
  }

  #opened(
    url: string,
    open: NonNullable<SimulatedWebServer['open']>,
    handlers: WebSocketHandlers,
    maxBytes: number,
  ): WebLink {
    const cuts = this.#sockets.get(url) ?? new Set();
    this.#sockets.set(url, cuts);
    let gone = false;
    const end = (says: string): void => {
      if (gone) return;
      gone = true;
      cuts.delete(cut);
      this.#later(() => {
        handlers.closed(says);
        server.closed();
      });
    };
    const cut = (): void => end('the WebSocket was closed (1006)');
    cuts.add(cut);
    const server = open({
      send: (text) => {
        const bytes = new TextEncoder().encode(text);
        this.#later(() => {
          if (gone) return;
          if (bytes.length > maxBytes) end('Max payload size exceeded');
          else handlers.message(bytes);
        });
      },
      close: cut,
    });
    return {
      send: (text) => this.#later(() => !gone && server.message(text)),
      pendingBytes: 0,
      close: () => end('closed from here'),
    };
  }

  #later(run: () => void): void {
    this.#clock.happening(LATENCY_MS, run);
  }
}

function failed(url: string, says: string, detail?: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_WEB', `${url}: ${says}`, { detail });
}

function calledOff(url: string, signal: AbortSignal | undefined): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_ABORTED', `${url}: called off`, { cause: signal?.reason });
}
