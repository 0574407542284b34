import type { EthMessage, EthMessageName, EthMessageOf, EthRequest, EthResponse } from '../eth/index.js';

type Responder = (request: EthRequest) => EthResponse | undefined;

/** What a script answers by itself. */
export class Responders {
  readonly #byName = new Map<EthMessageName, Responder>();

  set<N extends EthRequest['name']>(
    name: N,
    answer: (request: EthMessageOf<N>) => EthResponse | undefined,
  ): void {
    this.#byName.set(name, (request) => answer(request as EthMessageOf<N>)); // it is called for this name only
  }

  /** @returns the answer under the id of its request, `none` where it was told to give none; undefined: not its business */
  answer(message: EthMessage): EthResponse | 'none' | undefined {
    const answer = this.#byName.get(message.name);
    if (answer === undefined || !('requestId' in message)) return undefined;
    const response = answer(message as EthRequest); // only requests have responders
    return response === undefined ? 'none' : { ...response, requestId: message.requestId };
  }
}
