import type { IncomingMessage } from '../rlpx/index.js';

/** So much of a peer's input waits while nobody takes it; then reading stops. */
export const MAX_HELD_BYTES: number = 1024 * 1024;
/** What a held message costs at least. */
const HELD_BYTES_LEAST = 256;

/** Messages that came while the session could not take them, in their order. */
export class HeldInput {
  #messages: IncomingMessage[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#bytes >= MAX_HELD_BYTES;
  }

  hold(message: IncomingMessage): void {
    this.#messages.push(message);
    this.#bytes += Math.max(HELD_BYTES_LEAST, message.wireBytes);
  }

  /** Hands over what was held, oldest first, up to the first that `take` returns false for; what follows stays held. */
  release(take: (message: IncomingMessage) => boolean): void {
    while (this.#messages.length > 0) {
      const messages = this.#messages;
      this.#messages = [];
      this.#bytes = 0;
      for (const [i, message] of messages.entries()) {
        if (take(message)) continue;
        for (const left of messages.slice(i + 1)) this.hold(left);
        return;
      }
    }
  }

  clear(): void {
    this.#messages = [];
    this.#bytes = 0;
  }
}
