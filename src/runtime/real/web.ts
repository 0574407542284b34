import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { WebSocket } from 'ws';
import { RuntimeError } from '../errors.js';
import {
  publicUrl,
  type Web,
  type WebLink,
  type WebPostOptions,
  type WebSocketHandlers,
  type WebSocketOptions,
} from '../web.js';
import { messageOf, systemWord } from './system-word.js';

/** Connections that are kept for later posts, per server. */
const KEPT_CONNECTIONS = 8;
/** A server that has not shaken hands by then is not there. */
const WEBSOCKET_HANDSHAKE_MS = 10_000;
const NORMAL_CLOSURE = 1_000;

function failed(url: string, says: string, cause?: unknown): RuntimeError {
  const detail = systemWord(cause);
  return new RuntimeError('ERR_RUNTIME_WEB', `${publicUrl(url)}: ${says}`, { detail, cause });
}

function calledOff(url: string, signal: AbortSignal): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_ABORTED', `${publicUrl(url)}: called off`, { cause: signal.reason });
}

/** @returns the whole body, or why there is none */
function bodyOf(response: IncomingMessage, maxBytes: number): Promise<Uint8Array | string> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    response.on('data', (chunk: Uint8Array) => {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        resolve(`the answer is longer than ${maxBytes} bytes`);
        response.destroy();
      } else chunks.push(chunk);
    });
    response.on('end', () => resolve(Buffer.concat(chunks)));
    response.on('error', (error) => resolve(messageOf(error)));
    response.on('close', () => resolve('the answer was broken off'));
  });
}

class RealWeb implements Web {
  readonly #http = new HttpAgent({ keepAlive: true, maxFreeSockets: KEPT_CONNECTIONS });
  readonly #https = new HttpsAgent({ keepAlive: true, maxFreeSockets: KEPT_CONNECTIONS });

  async post(url: string, body: string, options: WebPostOptions): Promise<Uint8Array> {
    const bytes = new TextEncoder().encode(body);
    const answer = await this.#post(url, bytes, options);
    // the server had closed a connection that was kept, at the very moment in which it was used again
    const whole = answer === 'stale' ? await this.#post(url, bytes, options) : answer;
    if (whole === 'stale') throw failed(url, 'connections break off again and again');
    return whole;
  }

  #post(url: string, bytes: Uint8Array, { maxBytes, signal }: WebPostOptions): Promise<Uint8Array | 'stale'> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(calledOff(url, signal));
      const request = this.#request(url, bytes.length);
      const onAbort = (): void => {
        request.destroy();
        reject(calledOff(url, signal as AbortSignal));
      };
      const settled = (): void => signal?.removeEventListener('abort', onAbort);
      signal?.addEventListener('abort', onAbort, { once: true });
      request.on('error', (error) => {
        settled();
        if (request.reusedSocket && systemWord(error) === 'ECONNRESET') resolve('stale');
        else reject(failed(url, messageOf(error) || (systemWord(error) ?? 'no connection'), error));
      });
      request.on('response', (response) => {
        void bodyOf(response, maxBytes).then((answer) => {
          settled();
          if (typeof answer === 'string') reject(failed(url, answer));
          else if (response.statusCode !== 200) reject(failed(url, `status ${response.statusCode}`));
          else resolve(answer);
        });
      });
      request.end(bytes);
    });
  }

  #request(url: string, length: number): ClientRequest {
    const { username, password, protocol } = new URL(url);
    const secure = protocol === 'https:';
    const auth =
      username === '' && password === ''
        ? {}
        : { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` };
    return (secure ? httpsRequest : httpRequest)(withoutCredentials(url), {
      method: 'POST',
      agent: secure ? this.#https : this.#http,
      headers: { 'content-type': 'application/json', 'content-length': length },
      ...auth,
    });
  }

  open(url: string, handlers: WebSocketHandlers, { maxBytes, signal }: WebSocketOptions): Promise<WebLink> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(calledOff(url, signal));
      const socket = new WebSocket(url, {
        maxPayload: maxBytes,
        handshakeTimeout: WEBSOCKET_HANDSHAKE_MS,
        perMessageDeflate: false,
        followRedirects: false,
      });
      let says: string | undefined;
      let isOpen = false;
      const onAbort = (): void => {
        reject(calledOff(url, signal as AbortSignal));
        socket.terminate();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      socket.on('open', () => {
        signal?.removeEventListener('abort', onAbort);
        if (signal?.aborted === true) return;
        isOpen = true;
        resolve({
          send: (text) => {
            if (socket.readyState === WebSocket.OPEN) socket.send(text);
          },
          get pendingBytes() {
            return socket.bufferedAmount;
          },
          close: () => {
            socket.close(NORMAL_CLOSURE);
            socket.terminate();
          },
        });
      });
      // in one piece, as `binaryType` 'nodebuffer' has it
      socket.on('message', (bytes) => handlers.message(bytes as Buffer));
      socket.on('error', (error) => {
        says ??= messageOf(error);
        signal?.removeEventListener('abort', onAbort);
        if (!isOpen) reject(failed(url, says || (systemWord(error) ?? 'no connection'), error));
      });
      socket.on('close', (code) => {
        if (isOpen) handlers.closed(says ?? `the WebSocket was closed (${code})`);
      });
    });
  }
}

/** Credentials go by a header; in the URL they would end up in messages of errors. */
function withoutCredentials(url: string): URL {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare;
}

/** HTTP and WebSockets of the system. Connections of HTTP are kept for later posts, and do not keep the process alive. */
export function realWeb(): Web {
  return new RealWeb();
}
