import type { MessageSpec } from '../eth/index.js';

/** What one end says next: its Hello, its Status, or anything that the version knows. */
export type ConversationStep = 'hello' | 'status' | 'open';

/** What a step lets through. */
export type Expectation = 'allowed' | 'early' | 'twice';

/**
 * Where the two ends of a session stand. Each end goes hello → status → open, by itself; answers are a matter of the open
 * requests, which are steps of their own.
 */
export class Conversation {
  #ours: ConversationStep = 'hello';
  #theirs: ConversationStep = 'hello';

  get ours(): ConversationStep {
    return this.#ours;
  }

  get theirs(): ConversationStep {
    return this.#theirs;
  }

  /** Both Hellos are through: one does not know of one without the other. */
  greeted(): void {
    this.#ours = 'status';
    this.#theirs = 'status';
  }

  statusSent(): void {
    this.#ours = 'open';
  }

  /** What this message from the peer is at its present step. */
  expects(spec: MessageSpec): Expectation {
    if (spec.kind === 'status') return this.#theirs === 'status' ? 'allowed' : 'twice';
    return this.#theirs === 'open' ? 'allowed' : 'early';
  }

  statusReceived(): void {
    this.#theirs = 'open';
  }
}
