import { type ChainBackend, serveRequest } from '../chain/index.js';
import type { EthRequest, EthResponse, Hasher } from '../eth/index.js';
import type { Clock } from '../runtime/index.js';
import type { Session } from '../session/index.js';

export interface ChainAnswersOptions {
  readonly backend: ChainBackend;
  readonly hasher: Hasher;
  readonly clock: Clock;
}

/** Answers what peers ask of the chain, and counts. */
export class ChainAnswers {
  readonly #options: ChainAnswersOptions;
  #count = 0;

  constructor(options: ChainAnswersOptions) {
    this.#options = options;
  }

  /** Requests that were answered. */
  get count(): number {
    return this.#count;
  }

  /** @throws as `serveRequest` */
  async serve(request: EthRequest, session: Session, signal: AbortSignal): Promise<EthResponse> {
    const { backend, hasher, clock } = this.#options;
    const answer = await serveRequest(backend, request, session.eth.version, { hasher, clock, signal });
    this.#count++;
    return answer as EthResponse; // the answer that belongs to the request: `serveRequest` makes no other
  }
}
