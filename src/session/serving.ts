import type { EthRequest, EthResponse, MessageSpec } from '../eth/index.js';
import { type Clock, type Logger, nextTurn } from '../runtime/index.js';
import type { AnswerMemory } from './answer-memory.js';
import { emptyAnswer } from './empty-answer.js';
import type { EthTable } from './eth-table.js';
import { textOf } from './foreign-code.js';
import type { Gauge } from './handle.js';
import { lessened } from './lessen.js';
import type { Outgoing } from './outgoing.js';
import { ANSWER_BYTES_PER_TURN, TurnBudget, type Turns } from './turn-budget.js';

/** Requests of one peer that are worked on at once. */
export const MAX_SERVING = 4;
/** Requests that wait for their turn; what comes beyond is answered empty at once. */
export const MAX_PARKED: number = 64;
export const MAX_PARKED_BYTES: number = 2 * 1024 * 1024;
/** And so much more while the peer does not read, so that two nodes that wait for each other's answers go on reading. */
export const MAX_EXCESS_BYTES: number = 1024 * 1024;
/** What a parked request costs at least, whatever it says of itself. */
const PARKED_BYTES_LEAST = 256;
/** No answer of ours is larger (geth: maxMessageSize). */
export const MAX_ANSWER_BYTES: number = 10 * 1024 * 1024;

/** On what terms a request is answered. */
export interface ServingTerms {
  /** So much of what it asks for; 0 is answered empty. */
  readonly share: number;
  /** It was not permitted: it is answered empty, and leaves no trace. */
  readonly refused: boolean;
}

export const FULL_TERMS: ServingTerms = { share: 1, refused: false };
export const EMPTY_TERMS: ServingTerms = { share: 0, refused: false };
export const REFUSED_TERMS: ServingTerms = { share: 0, refused: true };

interface Parked {
  readonly spec: MessageSpec;
  readonly payload: Uint8Array;
  readonly bytes: number;
  readonly terms: ServingTerms;
  /** Its answer was too large to wait beside others: it is worked on once more, when nothing else is or waits. */
  readonly alone: boolean;
}

export interface ServingOptions {
  readonly protocol: EthTable;
  readonly outgoing: Outgoing;
  readonly memory: AnswerMemory;
  readonly turns: Turns;
  readonly clock: Pick<Clock, 'soon'>;
  readonly logger: Logger;
  readonly sessionId: string;
  /** Answers one request. Undefined, or a rejection: answered empty. */
  readonly handle: (request: EthRequest) => Promise<EthResponse | undefined>;
  /** A request has been read and is going to be answered. */
  readonly accepted: (spec: MessageSpec, payload: Uint8Array) => void;
  /** An answer has been made. */
  readonly answered: (spec: MessageSpec, payload: Uint8Array, terms: ServingTerms) => void;
  /** Nothing is being worked on at the moment. */
  readonly idle: () => void;
  /** A parked request turned out to be unreadable, or reading has to stop or may go on. */
  readonly faulty: (error: unknown) => void;
  readonly readRequests: (go: boolean) => void;
  /** Whether the session has ended: what is done after it goes nowhere. */
  readonly isOver: () => boolean;
}

/**
 * Answers the peer's requests: a few at once, in the order in which they get done, none silently dropped. While the peer
 * reads, all that it asks is answered, what is too much with nothing in it; where it does not read, its requests wait,
 * and in the end its input does.
 */
export class Serving {
  readonly #options: ServingOptions;
  readonly #budget: TurnBudget;
  readonly #parked: Parked[] = [];
  readonly #excess: Parked[] = [];
  #parkedBytes = 0;
  #excessBytes = 0;
  #running = 0;
  /** What is being worked on is worked on alone. */
  #alone = false;
  #answered = 0;

  constructor(options: ServingOptions) {
    this.#options = options;
    this.#budget = new TurnBudget(options.turns, MAX_PARKED, ANSWER_BYTES_PER_TURN);
  }

  get running(): number {
    return this.#running;
  }

  /** How many answers have been made. */
  get answeredInAll(): number {
    return this.#answered;
  }

  get parked(): Gauge {
    return {
      items: this.#parked.length + this.#excess.length,
      bytes: this.#parkedBytes + this.#excessBytes,
    };
  }

  /** @throws EthError, CodecError for a request that cannot be read */
  take(spec: MessageSpec, payload: Uint8Array, terms: ServingTerms = FULL_TERMS): void {
    const request: Parked = {
      spec,
      payload,
      bytes: Math.max(PARKED_BYTES_LEAST, payload.length),
      terms,
      alone: false,
    };
    if (terms.share === 0 && !this.#options.outgoing.blocked) {
      this.#answerEmpty(request);
      return;
    }
    if (this.#parked.length === 0 && this.#excess.length === 0 && this.#hasTurn()) {
      this.#start(request);
      return;
    }
    if (this.#excess.length === 0 && this.#canPark(request)) this.#park(request);
    else if (!this.#options.outgoing.blocked) this.#answerEmpty(request);
    else this.#exceed(request);
  }

  /** Something has left the response lane: those who wait have their turn. */
  roomAgain(): void {
    try {
      this.#advance();
    } catch (error) {
      this.#options.faulty(error);
    }
  }

  end(): void {
    this.#parked.length = 0;
    this.#excess.length = 0;
    this.#parkedBytes = 0;
    this.#excessBytes = 0;
  }

  #hasTurn(): boolean {
    if (this.#alone) return false;
    return this.#running < MAX_SERVING && this.#options.outgoing.hasRoomForResponse(this.#running);
  }

  #mayStart({ alone }: Parked): boolean {
    if (!alone) return this.#hasTurn();
    return this.#running === 0 && this.#options.outgoing.responses.items === 0;
  }

  #canPark(request: Parked): boolean {
    return this.#parked.length < MAX_PARKED && this.#parkedBytes + request.bytes <= MAX_PARKED_BYTES;
  }

  #park(request: Parked): void {
    this.#parked.push(request);
    this.#parkedBytes += request.bytes;
  }

  #exceed(request: Parked): void {
    this.#excess.push(request);
    this.#excessBytes += request.bytes;
    if (this.#excessBytes >= MAX_EXCESS_BYTES) this.#options.readRequests(false);
  }

  #advance(): void {
    if (this.#options.isOver()) return;
    this.#startParked();
    while (this.#excess.length > 0) {
      const [first] = this.#excess;
      if (first === undefined) break;
      const mayPark = this.#canPark(first);
      if (!mayPark && this.#options.outgoing.blocked) break;
      this.#excess.shift();
      this.#excessBytes -= first.bytes;
      if (mayPark) this.#park(first);
      else this.#answerEmpty(first);
    }
    this.#startParked();
    if (this.#excessBytes < MAX_EXCESS_BYTES) this.#options.readRequests(true);
  }

  #startParked(): void {
    while (!this.#options.isOver()) {
      const [request] = this.#parked;
      if (request === undefined || !this.#mayStart(request)) return;
      this.#parked.shift();
      this.#parkedBytes -= request.bytes;
      this.#start(request);
    }
  }

  #start(parked: Parked): void {
    const request = this.#read(parked);
    const wanted = lessened(request, parked.terms.share);
    if (wanted === undefined) {
      this.#sendEmpty(request, parked.terms);
      return;
    }
    this.#running++;
    this.#alone = parked.alone;
    this.#serve(wanted, parked).then(
      () => this.#done(),
      (error: unknown) => {
        this.#done();
        this.#options.faulty(error);
      },
    );
  }

  #done(): void {
    this.roomAgain();
    if (this.#running === 0) this.#options.idle();
  }

  async #serve(request: EthRequest, parked: Parked): Promise<void> {
    const answer = await this.#answerTo(request);
    while (this.#budget.isSpent) await nextTurn(this.#options.clock);
    this.#running--;
    this.#alone = false; // nothing else was begun meanwhile
    if (!this.#options.isOver()) this.#respond(request, answer, parked);
  }

  async #answerTo(request: EthRequest): Promise<EthResponse> {
    try {
      return (await this.#options.handle(request)) ?? emptyAnswer(request);
    } catch (error) {
      if (!this.#options.isOver()) this.#warn(request, 'a request failed and is answered empty', error);
      return emptyAnswer(request);
    }
  }

  #respond(request: EthRequest, answer: EthResponse, parked: Parked): void {
    const { memory, outgoing } = this.#options;
    const spec = this.#specOfAnswer(request);
    try {
      const payload = this.#encode(spec, request, answer);
      this.#budget.spendBytes(payload.length);
      if (outgoing.fitsResponse(payload.length, this.#running)) {
        this.#send(spec, payload, FULL_TERMS, true);
        return;
      }
    } finally {
      memory.takeBack();
    }
    // it would make the lane hold more than it may: let go, and made again once the peer has read what waits
    this.#parked.unshift({ ...parked, alone: true });
    this.#parkedBytes += parked.bytes;
  }

  /** An answer that is none, or that the wire would not carry, is a mistake of the handler: the peer gets an empty one. */
  #encode(spec: MessageSpec, request: EthRequest, answer: EthResponse): Uint8Array {
    try {
      const payload = spec.encode({ ...answer, requestId: request.requestId }, this.#options.memory.lend);
      if (payload.length <= MAX_ANSWER_BYTES) return payload;
      this.#warn(request, 'an answer is too large and is left out', payload.length);
    } catch (error) {
      this.#warn(request, 'an answer cannot be encoded and is left out', error);
    }
    return spec.encode(emptyAnswer(request));
  }

  #answerEmpty(parked: Parked): void {
    this.#sendEmpty(this.#read(parked), parked.terms);
  }

  #read({ spec, payload, terms, alone }: Parked): EthRequest {
    const request = spec.decode(payload) as EthRequest;
    if (!terms.refused && !alone) this.#options.accepted(spec, payload);
    return request;
  }

  #sendEmpty(request: EthRequest, terms: ServingTerms): void {
    const answer = this.#specOfAnswer(request);
    this.#send(answer, answer.encode(emptyAnswer(request)), terms);
  }

  #send(answer: MessageSpec, payload: Uint8Array, terms: ServingTerms, lent = false): void {
    this.#answered++;
    this.#options.answered(answer, payload, terms);
    this.#options.outgoing.respond(answer.id, payload, lent);
  }

  #specOfAnswer(request: EthRequest): MessageSpec {
    const { protocol } = this.#options;
    const name = protocol.byName.get(request.name)?.answer;
    const spec = name === undefined ? undefined : protocol.byName.get(name);
    if (spec === undefined) throw new TypeError(`eth/${protocol.version} has no answer to ${request.name}`);
    return spec;
  }

  #warn(request: EthRequest, message: string, cause: unknown): void {
    const { logger, sessionId } = this.#options;
    logger.warn(
      { event: 'session.serve', session: sessionId, request: request.name, cause: textOf(cause) },
      message,
    );
  }
}
