export interface WebPostOptions {
  /** A longer answer is broken off. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

/** What a WebSocket tells its one owner. All calls come from the loop, never from inside a call on the socket. */
export interface WebSocketHandlers {
  /** One whole message. */
  message(bytes: Uint8Array): void;
  /** The socket is gone; the last call. */
  closed(says: string): void;
}

export interface WebSocketOptions {
  /** A longer message ends the socket. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

/** A WebSocket that is open, seen from the side that opened it. */
export interface WebLink {
  /** Sends one text message; nothing where the socket is gone. */
  send(text: string): void;
  /** Bytes that the system has not taken yet. */
  readonly pendingBytes: number;
  /** Ends at once; `closed` follows. Idempotent. */
  close(): void;
}

/** HTTP and WebSockets as the house sees them: for asking servers that its owner has named, never for serving. */
export interface Web {
  /**
   * Posts JSON to an `http:` or `https:` URL; a name and password in it become a basic authorization. Redirects are not followed.
   * @returns the body of an answer of status 200
   * @throws RuntimeError ERR_RUNTIME_WEB (no connection, another status, too long, broken off), ERR_RUNTIME_ABORTED
   */
  post(url: string, body: string, options: WebPostOptions): Promise<Uint8Array>;
  /** Opens a `ws:` or `wss:` URL. @throws RuntimeError ERR_RUNTIME_WEB, ERR_RUNTIME_ABORTED */
  open(url: string, handlers: WebSocketHandlers, options: WebSocketOptions): Promise<WebLink>;
}

/** A URL as it may stand in a log: without name, password, and what may hold a key: path and query. */
export function publicUrl(url: string): string {
  if (!URL.canParse(url)) return 'an unreadable URL';
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}
